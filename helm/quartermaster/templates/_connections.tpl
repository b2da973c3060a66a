{{/* The most pods of a component at once, an update's surge included, as YAML: pods, surge. Takes (dict "root" $ "component" "api"). */}}
{{- define "quartermaster.pods" -}}
{{- $own := get .root.Values .component -}}
{{- $pods := int64 $own.replicas -}}
{{- if and (eq .component "api") $own.autoscaling.enabled }}{{ $pods = int64 $own.autoscaling.maxReplicas }}{{ end -}}
{{- if and (eq .component "worker") $own.keda.enabled }}{{ $pods = max (int64 $own.keda.maxReplicaCount) (int64 $own.keda.fallbackReplicas) }}{{ end -}}
{{- $surge := 0 -}}
{{- if ne (default "RollingUpdate" $own.strategy.type) "Recreate" -}}
{{- $given := toString (default "25%" (default dict $own.strategy.rollingUpdate).maxSurge) -}}
{{- if hasSuffix "%" $given -}}
{{- $surge = div (add (mul $pods (int64 (trimSuffix "%" $given))) 99) 100 -}}
{{- else -}}
{{- $surge = int64 $given -}}
{{- end -}}
{{- end -}}
pods: {{ $pods }}
surge: {{ $surge }}
{{- end -}}

{{/*
How many connections the pods may open together, as YAML. A process has a pool for short transactions and one that passes by the
pooler, each of QM_POOL_MAX; a worker has four more for its queue, and who reads from a replica a pool and a probe there. A migration needs four.
*/}}
{{- define "quartermaster.connections" -}}
{{- $root := . -}}
{{- $server := 0 -}}{{- $pooler := 0 -}}{{- $replica := 0 -}}
{{- range $component := list "api" "worker" -}}
{{- $context := dict "root" $root "component" $component -}}
{{- $count := include "quartermaster.pods" $context | fromYaml -}}
{{- $database := get $root.Values.database $component -}}
{{- $pool := include "quartermaster.number" (merge (dict "name" "QM_POOL_MAX" "default" 10) $context) | int64 -}}
{{- $queue := ternary 4 0 (eq $component "worker") -}}
{{- $pods := add (int64 $count.pods) (int64 $count.surge) -}}
{{- $pooled := not (empty $database.directUrlKey) -}}
{{- $each := add $pool $queue (ternary 0 $pool $pooled) -}}
{{- $server = add $server (mul $pods $each) -}}
{{- if $pooled }}{{ $pooler = add $pooler (mul $pods $pool) }}{{ end -}}
{{- if $database.replicaUrlKey }}{{ $replica = add $replica (mul $pods (add $pool 1)) }}{{ end }}
{{ $component }}:
  pods: {{ $count.pods }}
  surge: {{ $count.surge }}
  pool: {{ $pool }}
  queue: {{ $queue }}
  pooled: {{ $pooled }}
  server: {{ mul $pods $each }}
{{- end -}}
{{- $migration := ternary 0 4 (eq .Values.migrations.mode "none") }}
migration: {{ $migration }}
pooler: {{ $pooler }}
replica: {{ $replica }}
server: {{ add $server $migration (int64 .Values.database.otherConnections) (ternary (int64 .Values.database.poolerConnections) 0 (gt (int64 $pooler) 0)) }}
{{- end -}}
