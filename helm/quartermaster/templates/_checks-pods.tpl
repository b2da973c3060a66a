{{/* What is given beside what the chart gives a pod, and would be there twice; the API server takes no pod with such a thing. */}}
{{- define "quartermaster.check.pods" -}}
{{- $faults := list -}}
{{- range $component := list "api" "worker" "migrate" "toolbox" -}}
{{- $where := ternary "migrations" $component (eq $component "migrate") -}}
{{- $own := get $.Values $where -}}
{{- $context := dict "root" $ "component" (ternary "migrate" $component (eq $component "toolbox")) -}}
{{- $process := has $component (list "api" "worker") -}}
{{- $ca := not (empty (include "quartermaster.hasCa" $)) -}}
{{- $file := and $process (eq $.Values.store.type "file") -}}
{{- $names := list -}}
{{- range concat (include "quartermaster.secretEnv" $context | fromYamlArray) (include "quartermaster.caEnv" $ | fromYamlArray) }}{{ $names = append $names .name }}{{ end -}}
{{- range $own.extraEnv -}}
{{- if has .name $names -}}
{{- $faults = append $faults (printf "%s.extraEnv has %s, which is there already: from the chart (store.s3.credentials, database.ca), or twice" $where (toString .name)) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- $volumes := concat (list "tmp") (ternary (list "cache") list $process) (ternary (list "ca") list $ca) (ternary (list "archive") list $file) -}}
{{- range $own.extraVolumes -}}
{{- if has .name $volumes -}}
{{- $faults = append $faults (printf "%s.extraVolumes has %s, which is there already: call it otherwise" $where (toString .name)) -}}
{{- end -}}
{{- $volumes = append $volumes .name -}}
{{- end -}}
{{- $paths := concat (list "/tmp") (ternary (list "/var/cache/quartermaster") list $process) (ternary (list "/etc/quartermaster/db-ca") list $ca) (ternary (list "/var/lib/quartermaster/archive") list $file) -}}
{{- range $own.extraVolumeMounts -}}
{{- $path := toString .mountPath | trimSuffix "/" -}}
{{- if has $path $paths -}}
{{- $faults = append $faults (printf "%s.extraVolumeMounts has %s, where something is mounted already: mount it elsewhere" $where $path) -}}
{{- end -}}
{{- $paths = append $paths $path -}}
{{- end -}}
{{- if $process -}}
{{- $containers := list $component -}}
{{- range concat $own.initContainers $own.extraContainers -}}
{{- if has .name $containers -}}
{{- $faults = append $faults (printf "%s has two containers called %s: call yours otherwise" $where (toString .name)) -}}
{{- end -}}
{{- $containers = append $containers .name -}}
{{- end -}}
{{- $rolling := default dict $own.strategy.rollingUpdate -}}
{{- $none := "^0+%?$" -}}
{{- if and (ne (default "" $own.strategy.type) "Recreate") (regexMatch $none (include "quartermaster.text" $rolling.maxSurge)) (regexMatch $none (include "quartermaster.text" $rolling.maxUnavailable)) -}}
{{- $faults = append $faults (printf "%s.strategy.rollingUpdate has neither maxSurge nor maxUnavailable, so no pod could be replaced: raise one" $component) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $faults | toYaml -}}
{{- end -}}
