{{/* A size of the values in bytes. The schema knows how one is written. */}}
{{- define "quartermaster.bytes" -}}
{{- $text := toString . -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mul (int64 (regexFind "^[0-9]+" $text)) (ternary (int64 (get $units $unit)) 1 (ne $unit "")) -}}
{{- end -}}

{{/* Everything that can be known to be wrong before anything is installed, all of it at once, each with what to do. */}}
{{- define "quartermaster.check" -}}
{{- $faults := concat
  (include "quartermaster.check.basics" . | fromYamlArray)
  (include "quartermaster.check.store" . | fromYamlArray)
  (include "quartermaster.check.settings" . | fromYamlArray)
  (include "quartermaster.check.pods" . | fromYamlArray)
  (include "quartermaster.check.scaling" . | fromYamlArray)
  (include "quartermaster.check.network" . | fromYamlArray)
  (include "quartermaster.check.monitoring" . | fromYamlArray) -}}
{{- if $faults -}}
{{- fail (printf "\n\nThese values cannot be installed:\n- %s\n" (join "\n- " $faults)) -}}
{{- end -}}
{{- end -}}

{{- define "quartermaster.check.basics" -}}
{{- $faults := list -}}
{{- if not .Values.image.repository -}}
{{- $faults = append $faults "image.repository must say where the image is, as registry.example.com/quartermaster" -}}
{{- end -}}
{{- $name := include "quartermaster.fullname" . -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- $faults = append $faults (printf "objects would be called %s, but the name of a Service begins with a letter and has no dot: give fullnameOverride, or call the release otherwise" $name) -}}
{{- end -}}
{{- with .Values.database.ca -}}
{{- if and .secretName .configMapName -}}
{{- $faults = append $faults "database.ca.secretName and database.ca.configMapName are both given: give one" -}}
{{- end -}}
{{- end -}}
{{- $migrations := .Values.migrations -}}
{{- if and (eq $migrations.mode "hook") (ne $migrations.serviceAccountName "default") -}}
{{- range $component := list "api" "worker" -}}
{{- if and (get $.Values $component).serviceAccount.create (eq $migrations.serviceAccountName (include "quartermaster.serviceAccountName" (dict "root" $ "component" $component))) -}}
{{- $faults = append $faults (printf "migrations.serviceAccountName is the ServiceAccount that the chart makes for %s, which is not there yet when a hook runs: name one that exists" $component) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (ne $migrations.mode "none") (or $migrations.extraVolumes $migrations.extraEnv) -}}
{{- $text := printf "%s %s" (toJson $migrations.extraVolumes) (toJson $migrations.extraEnv) -}}
{{- range $component := list "api" "worker" -}}
{{- $made := printf "%s-%s" (include "quartermaster.fullname" $) $component -}}
{{- if contains (printf "\"name\":%q" $made) $text -}}
{{- $faults = append $faults (printf "migrations.extraEnv and migrations.extraVolumes must not name %s, which the chart makes: the migration comes before it" $made) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $faults | toYaml -}}
{{- end -}}

{{- define "quartermaster.check.store" -}}
{{- $faults := list -}}
{{- $store := .Values.store -}}
{{- if not $store.type -}}
{{- $faults = append $faults "store.type must say where archives live: s3 or file" -}}
{{- else if eq $store.type "s3" -}}
{{- if not $store.s3.bucket }}{{ $faults = append $faults "store.s3.bucket must name the bucket" }}{{ end -}}
{{- if and (ne $store.s3.lockMode "none") (not $store.s3.lockDays) -}}
{{- $faults = append $faults "store.s3.lockDays must be given together with store.s3.lockMode" -}}
{{- end -}}
{{- if and $store.s3.lockDays (eq $store.s3.lockMode "none") -}}
{{- $faults = append $faults "store.s3.lockMode must be given together with store.s3.lockDays" -}}
{{- end -}}
{{- if and $store.s3.kmsKey (ne $store.s3.sse "aws:kms") -}}
{{- $faults = append $faults "store.s3.sse must be aws:kms where store.s3.kmsKey is given" -}}
{{- end -}}
{{- if and $store.file.existingClaim -}}
{{- $faults = append $faults "store.file.existingClaim is given, but store.type is s3: give one store" -}}
{{- end -}}
{{- else -}}
{{- if not $store.file.existingClaim -}}
{{- $faults = append $faults "store.file.existingClaim must name a PersistentVolumeClaim: without one the archives would die with their pod" -}}
{{- end -}}
{{- if $store.s3.bucket }}{{ $faults = append $faults "store.s3.bucket is given, but store.type is file: give one store" }}{{ end -}}
{{- if eq $store.file.accessMode "ReadWriteOnce" -}}
{{- range $component := list "api" "worker" -}}
{{- $pods := include "quartermaster.pods" (dict "root" $ "component" $component) | int64 -}}
{{- if gt $pods 1 -}}
{{- $faults = append $faults (printf "store.file.accessMode is ReadWriteOnce, which one node can mount, but there are up to %d %s pods: use a claim with ReadWriteMany, an s3 store, or one pod each without scaling" $pods $component) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $faults | toYaml -}}
{{- end -}}

{{- define "quartermaster.check.settings" -}}
{{- $faults := list -}}
{{- range $name := list "QM_TIMEZONE" "QM_LEDGER_SET" "QM_ARCHIVE_APPROVAL" "QM_OLDEST_DATE" -}}
{{- range $component := list "api" "worker" -}}
{{- if hasKey (get $.Values $component).config $name -}}
{{- $faults = append $faults (printf "%s.config.%s: this is the same for every process, so give it as config.%s" $component $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $component := list "api" "worker" "migrate" "toolbox" -}}
{{- $context := dict "root" $ "component" $component -}}
{{- $settings := include "quartermaster.settings" $context | fromYaml -}}
{{- $named := 0 -}}
{{- range list "QM_JWKS_URL" "QM_JWT_ISSUER" "QM_JWT_AUDIENCE" }}{{ if hasKey $settings . }}{{ $named = add1 $named }}{{ end }}{{ end -}}
{{- if and (gt (int64 $named) 0) (lt (int64 $named) 3) -}}
{{- $faults = append $faults "QM_JWKS_URL, QM_JWT_ISSUER and QM_JWT_AUDIENCE must be given together, or none of them" -}}
{{- end -}}
{{- $where := ternary "migrations" $component (eq $component "migrate") -}}
{{- $own := get $.Values $where -}}
{{- range $own.extraEnv -}}
{{- $name := toString .name -}}
{{- if hasPrefix "QM_" $name -}}
{{- $faults = append $faults (printf "%s.extraEnv has %s: give settings under config, and databases and stores under database and store" $where $name) -}}
{{- end -}}
{{- if or (regexMatch "://[^/@ ]*:[^/@ ]+@" (toString .value)) (and .value (regexMatch "(?i)(password|passwd|secret|token|private_key|access_key|_headers$)" $name) (not (regexMatch "_(FILE|PATH|DIR|URI|URL|NAME|ARN)$" $name))) -}}
{{- $faults = append $faults (printf "%s.extraEnv has a secret in %s: put it into a Secret and name it with valueFrom.secretKeyRef" $where $name) -}}
{{- end -}}
{{- end -}}
{{- if has $component (list "api" "worker") -}}
{{- $stop := include "quartermaster.number" (merge (dict "name" "QM_STOP_WITHIN" "default" 25) $context) | int64 -}}
{{- $drain := include "quartermaster.number" (merge (dict "name" "QM_DRAIN" "default" 0) $context) | int64 -}}
{{- if gt (add $drain 5) $stop -}}
{{- $faults = append $faults (printf "%s: QM_DRAIN is %d, which must leave 5 of the %d seconds of QM_STOP_WITHIN: drain for less, or give it more" $component $drain $stop) -}}
{{- end -}}
{{- $grace := include "quartermaster.grace" $context | int64 -}}
{{- if le $grace $stop -}}
{{- $faults = append $faults (printf "%s.terminationGracePeriodSeconds is %d, but a process takes up to %d seconds to stop (QM_STOP_WITHIN): leave it empty, or give more" $component $grace $stop) -}}
{{- end -}}
{{- $cache := include "quartermaster.number" (merge (dict "name" "QM_CACHE_MAX_MIB" "default" 4096) $context) | int64 -}}
{{- /* A whole number would come as a fraction, and a large one as 1e+09. */ -}}
{{- $room := include "quartermaster.bytes" (include "quartermaster.text" $.Values.cache.sizeLimit) | int64 -}}
{{- if le $room (mul $cache 1048576) -}}
{{- $faults = append $faults (printf "cache.sizeLimit is %s, but %s pods keep up to %d MiB there (QM_CACHE_MAX_MIB) and would be evicted: give more room" (include "quartermaster.text" $.Values.cache.sizeLimit) $component $cache) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.database.maxConnections -}}
{{- $most := include "quartermaster.connections" $ | fromYaml -}}
{{- if gt (int64 $most.server) (int64 $most.open) -}}
{{- $faults = append $faults (printf "the pods together may open %d connections (with database.otherConnections), but database.maxConnections is %d, of which 3 are for superusers: lower QM_POOL_MAX or the number of pods, put a pooler before it, or raise max_connections and say so here" (int64 $most.server) (int64 .)) -}}
{{- end -}}
{{- end -}}
{{- uniq $faults | toYaml -}}
{{- end -}}

{{- define "quartermaster.check.scaling" -}}
{{- $faults := list -}}
{{- with .Values.api.autoscaling -}}
{{- if .enabled -}}
{{- if gt (int64 .minReplicas) (int64 .maxReplicas) }}{{ $faults = append $faults "api.autoscaling.minReplicas is more than maxReplicas" }}{{ end -}}
{{- if not (or .targetCPUUtilizationPercentage .targetMemoryUtilizationPercentage .metrics) -}}
{{- $faults = append $faults "api.autoscaling has no target: give targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics" -}}
{{- end -}}
{{- range $resource, $target := dict "cpu" .targetCPUUtilizationPercentage "memory" .targetMemoryUtilizationPercentage -}}
{{- if and $target (not (get (default dict $.Values.api.resources.requests) $resource)) -}}
{{- $faults = append $faults (printf "api.autoscaling aims at a share of the requested %s, but api.resources.requests.%s is not given" $resource $resource) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.worker.keda -}}
{{- if .enabled -}}
{{- if gt (int64 .minReplicaCount) (int64 .maxReplicaCount) }}{{ $faults = append $faults "worker.keda.minReplicaCount is more than maxReplicaCount" }}{{ end -}}
{{- if not (or .prometheus.serverAddress .triggers) -}}
{{- $faults = append $faults "worker.keda has nothing to go by: give prometheus.serverAddress or triggers" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $component := list "api" "worker" -}}
{{- $context := dict "root" $ "component" $component -}}
{{- $own := get $.Values $component -}}
{{- $fewest := include "quartermaster.fewest" $context | int64 -}}
{{- with $own.podDisruptionBudget -}}
{{- if and .enabled (gt (include "quartermaster.pods" $context | int64) 1) -}}
{{- if kindIs "invalid" .minAvailable -}}
{{- if kindIs "invalid" .maxUnavailable -}}
{{- $faults = append $faults (printf "%s.podDisruptionBudget has neither maxUnavailable nor minAvailable: give one, or switch it off" $component) -}}
{{- else if regexMatch "^0+%?$" (include "quartermaster.text" .maxUnavailable) -}}
{{- $faults = append $faults (printf "%s.podDisruptionBudget.maxUnavailable is 0: no node with such a pod could ever be drained" $component) -}}
{{- end -}}
{{- else -}}
{{- $stay := include "quartermaster.text" .minAvailable -}}
{{- $number := int64 (trimSuffix "%" $stay) -}}
{{- /* Kubernetes rounds a share up. */ -}}
{{- if hasSuffix "%" $stay }}{{ $number = div (add (mul $number $fewest) 99) 100 }}{{ end -}}
{{- if ge $number $fewest -}}
{{- $faults = append $faults (printf "%s.podDisruptionBudget.minAvailable is %s of %d pods: no node with such a pod could ever be drained" $component $stay $fewest) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $faults | toYaml -}}
{{- end -}}

{{- define "quartermaster.check.network" -}}
{{- $faults := list -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- $faults = append $faults "ingress.hosts is empty: name the host, or the ledger would answer for every one" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $faults = append $faults "httpRoute.parentRefs is empty: name the Gateway" -}}
{{- end -}}
{{- $policy := .Values.networkPolicy -}}
{{- if and $policy.enabled (or .Values.ingress.enabled .Values.httpRoute.enabled) (not $policy.apiFrom) -}}
{{- $faults = append $faults "networkPolicy.apiFrom is empty, so what stands before the API (ingress or httpRoute) could not reach it: name its pods" -}}
{{- end -}}
{{- if and $policy.enabled (or .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled) (not $policy.metricsFrom) -}}
{{- $faults = append $faults "networkPolicy.metricsFrom is empty, so Prometheus could not read the metrics: name its pods" -}}
{{- end -}}
{{- $faults | toYaml -}}
{{- end -}}

{{- define "quartermaster.check.monitoring" -}}
{{- $faults := list -}}
{{- with .Values.metrics -}}
{{- if and .serviceMonitor.enabled .podMonitor.enabled -}}
{{- $faults = append $faults "metrics.serviceMonitor and metrics.podMonitor are both on, and every figure would be counted twice: choose one" -}}
{{- end -}}
{{- $rule := .prometheusRule -}}
{{- if and $rule.enabled $rule.disabled -}}
{{- $known := list -}}
{{- range (default dict ($.Files.Get "files/alerts.yaml" | fromYaml)).groups }}{{ range .rules }}{{ with .alert }}{{ $known = append $known . }}{{ end }}{{ end }}{{ end -}}
{{- range $rule.disabled -}}
{{- if not (has . $known) -}}
{{- $faults = append $faults (printf "metrics.prometheusRule.disabled names %s, but there is no such alert: the alerts are %s" . (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $faults | toYaml -}}
{{- end -}}
