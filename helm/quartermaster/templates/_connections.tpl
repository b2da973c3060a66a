{{/* The most pods of a component, as a whole number. Takes (dict "root" $ "component" "api"). */}}
{{- define "quartermaster.pods" -}}
{{- $own := get .root.Values .component -}}
{{- $pods := int64 $own.replicas -}}
{{- if and (eq .component "api") $own.autoscaling.enabled }}{{ $pods = int64 $own.autoscaling.maxReplicas }}{{ end -}}
{{- if and (eq .component "worker") $own.keda.enabled }}{{ $pods = max (int64 $own.keda.maxReplicaCount) (int64 $own.keda.fallbackReplicas) }}{{ end -}}
{{- $pods -}}
{{- end -}}

{{/* The fewest pods of a component. Takes what the most take. */}}
{{- define "quartermaster.fewest" -}}
{{- $own := get .root.Values .component -}}
{{- $pods := int64 $own.replicas -}}
{{- if and (eq .component "api") $own.autoscaling.enabled }}{{ $pods = int64 $own.autoscaling.minReplicas }}{{ end -}}
{{- if and (eq .component "worker") $own.keda.enabled }}{{ $pods = int64 $own.keda.minReplicaCount }}{{ end -}}
{{- $pods -}}
{{- end -}}

{{/*
How many connections the pods may open together, as YAML: `server` while nothing is changed, and `update` while pods are replaced. A pod
that stops keeps its pools until it is gone, when the one in its place is up already; so both generations count, unless one goes first. A process
has a pool for short transactions and one that passes by the pooler, each of QM_POOL_MAX, and looks at the database by one more; a worker has four
for its queue and one for the figures; who reads from a replica has a pool and a probe there. A migration needs four, and so does what people run.
*/}}
{{- define "quartermaster.connections" -}}
{{- $root := . -}}
{{- $server := 0 -}}{{- $update := 0 -}}{{- $pooler := 0 -}}{{- $replica := 0 -}}
{{- range $component := list "api" "worker" -}}
{{- $context := dict "root" $root "component" $component -}}
{{- $pods := include "quartermaster.pods" $context | int64 -}}
{{- $database := get $root.Values.database $component -}}
{{- $pool := include "quartermaster.number" (merge (dict "name" "QM_POOL_MAX" "default" 10) $context) | int64 -}}
{{- $direct := add $pool (ternary 5 0 (eq $component "worker")) -}}
{{- $write := add $pool 1 -}}
{{- $pooled := not (empty $database.directUrlKey) -}}
{{- $each := add $direct (ternary 0 $write $pooled) -}}
{{- $both := ternary 1 2 (eq (default "" (get $root.Values $component).strategy.type) "Recreate") -}}
{{- $server = add $server (mul $pods $each) -}}
{{- $update = add $update (mul $both $pods $each) -}}
{{- if $pooled }}{{ $pooler = add $pooler (mul $both $pods $write) }}{{ end -}}
{{- if $database.replicaUrlKey }}{{ $replica = add $replica (mul $both $pods (add $pool 1)) }}{{ end }}
{{ $component }}:
  pods: {{ $pods }}
  write: {{ ternary 0 $write $pooled }}
  direct: {{ $direct }}
  server: {{ mul $pods $each }}
  update: {{ mul $both $pods $each }}
{{- end -}}
{{- $migration := ternary 0 4 (eq .Values.migrations.mode "none") }}
{{- $toolbox := ternary 4 0 .Values.toolbox.enabled }}
{{- $others := add $migration $toolbox (int64 .Values.database.otherConnections) (ternary (int64 .Values.database.poolerConnections) 0 (gt (int64 $pooler) 0)) }}
migration: {{ $migration }}
toolbox: {{ $toolbox }}
pooler: {{ $pooler }}
replica: {{ $replica }}
server: {{ add $server $others }}
update: {{ add $update $others }}
{{- /* PostgreSQL keeps three for superusers (superuser_reserved_connections). */}}
{{- with .Values.database.maxConnections }}
open: {{ sub (int64 .) 3 }}
{{- end }}
{{- end -}}
