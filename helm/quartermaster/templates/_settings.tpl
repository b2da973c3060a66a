{{/*
A value as an environment variable has it, without quotes. YAML reads `off` as false and Helm every number as a fraction, of
which a large one would be printed as 1e+06.
*/}}
{{- define "quartermaster.text" -}}
{{- if kindIs "bool" . -}}
{{- ternary "on" "off" . -}}
{{- else if kindIs "float64" . -}}
{{- printf "%d" (int64 .) -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- define "quartermaster.store" -}}
{{- $store := .Values.store -}}
{{- if eq $store.type "s3" -}}
s3://{{ $store.s3.bucket }}{{ with $store.s3.prefix | trimAll "/" }}/{{ . }}{{ end }}
{{- else -}}
file:///var/lib/quartermaster/archive
{{- end -}}
{{- end -}}

{{/*
The settings of a component as YAML of names and texts: those of `config`, over them those of the component, and over both what only
the chart can know. None of them is secret. Takes (dict "root" $ "component" "api"); for the migration the component has no settings of its own.
*/}}
{{- define "quartermaster.settings" -}}
{{- $values := .root.Values -}}
{{- $own := default dict (default dict (get $values .component)).config -}}
{{- $settings := dict -}}
{{- range $name, $value := merge (dict) $own $values.config -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $settings $name (include "quartermaster.text" $value) -}}
{{- end -}}
{{- end -}}
{{- /* Behind a Service, a pod that stops is asked for a few seconds more. */ -}}
{{- if and (eq .component "api") (not (hasKey $settings "QM_DRAIN")) }}{{ $_ := set $settings "QM_DRAIN" "5" }}{{ end -}}
{{- $_ := set $settings "QM_HOST" "0.0.0.0" -}}
{{- $_ := set $settings "QM_PORT" "7070" -}}
{{- $_ := set $settings "QM_WORKER_PORT" "7071" -}}
{{- $_ := set $settings "QM_CACHE_DIR" "/var/cache/quartermaster" -}}
{{- $_ := set $settings "QM_STORE" (include "quartermaster.store" .root) -}}
{{- if eq $values.store.type "s3" -}}
{{- $s3 := $values.store.s3 -}}
{{- $_ := set $settings "QM_S3_PATH_STYLE" (include "quartermaster.text" $s3.pathStyle) -}}
{{- $_ := set $settings "QM_S3_SSE" $s3.sse -}}
{{- $_ := set $settings "QM_S3_LOCK_MODE" $s3.lockMode -}}
{{- with $s3.endpoint }}{{ $_ := set $settings "QM_S3_ENDPOINT" . }}{{ end -}}
{{- with $s3.region }}{{ $_ := set $settings "QM_S3_REGION" . }}{{ end -}}
{{- with $s3.kmsKey }}{{ $_ := set $settings "QM_S3_KMS_KEY" . }}{{ end -}}
{{- with $s3.lockDays }}{{ $_ := set $settings "QM_S3_LOCK_DAYS" (include "quartermaster.text" .) }}{{ end -}}
{{- end -}}
{{- $settings | toYaml -}}
{{- end -}}

{{/* A setting of a component as a whole number. Takes (dict "root" $ "component" "api" "name" "QM_POOL_MAX" "default" 10). */}}
{{- define "quartermaster.number" -}}
{{- get (include "quartermaster.settings" . | fromYaml) .name | default (toString .default) | int64 -}}
{{- end -}}

{{/* The variables of a component that come from Secrets. Takes (dict "root" $ "component" "api"). */}}
{{- define "quartermaster.secretEnv" -}}
{{- $database := get .root.Values.database .component -}}
- name: QM_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ $database.secretName | quote }}
      key: {{ $database.urlKey | quote }}
{{- range $name, $key := dict "QM_DIRECT_DATABASE_URL" $database.directUrlKey "QM_REPLICA_URL" $database.replicaUrlKey }}
{{- with $key }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $database.secretName | quote }}
      key: {{ . | quote }}
{{- end }}
{{- end }}
{{- $common := .root.Values.store.s3.credentials }}
{{- $own := default dict (get $common .component) }}
{{- $credentials := ternary $own $common (not (empty $own.secretName)) }}
{{- if and (ne .component "migrate") (eq .root.Values.store.type "s3") $credentials.secretName }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ $credentials.secretName | quote }}
      key: {{ $credentials.accessKeyIdKey | quote }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $credentials.secretName | quote }}
      key: {{ $credentials.secretAccessKeyKey | quote }}
{{- end }}
{{- end -}}

{{- define "quartermaster.hasCa" -}}
{{- if or .Values.database.ca.secretName .Values.database.ca.configMapName -}}true{{- end -}}
{{- end -}}

{{/* What makes Node trust the authority of the database, beside the public ones. */}}
{{- define "quartermaster.caEnv" -}}
{{- if include "quartermaster.hasCa" . -}}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/quartermaster/db-ca/ca.crt
{{- end -}}
{{- end -}}

{{- define "quartermaster.caVolume" -}}
{{- if include "quartermaster.hasCa" . -}}
- name: ca
{{- with .Values.database.ca }}
  {{- if .secretName }}
  secret:
    secretName: {{ .secretName | quote }}
  {{- else }}
  configMap:
    name: {{ .configMapName | quote }}
  {{- end }}
    items:
      - key: {{ .key | quote }}
        path: ca.crt
{{- end }}
{{- end -}}
{{- end -}}

{{- define "quartermaster.caMount" -}}
{{- if include "quartermaster.hasCa" . -}}
- name: ca
  mountPath: /etc/quartermaster/db-ca
  readOnly: true
{{- end -}}
{{- end -}}

{{/*
The ports on which a component reaches its store and the keys of JSON web tokens, as a YAML list: those of the values, and those in the
URLs that the chart knows. None for a store in a volume without such keys. Takes (dict "root" $ "component" "api").
*/}}
{{- define "quartermaster.storePorts" -}}
{{- $settings := include "quartermaster.settings" . | fromYaml -}}
{{- $urls := list -}}
{{- with $settings.QM_S3_ENDPOINT }}{{ $urls = append $urls . }}{{ end -}}
{{- with $settings.QM_JWKS_URL }}{{ $urls = append $urls . }}{{ end -}}
{{- $ports := list -}}
{{- if or (eq .root.Values.store.type "s3") $urls -}}
{{- range .root.Values.networkPolicy.egress.storePorts }}{{ $ports = append $ports (int64 .) }}{{ end -}}
{{- end -}}
{{- range $urls -}}
{{- $parts := urlParse . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $parts.host) -}}
{{- $ports = append $ports (int64 (default (ternary 80 443 (eq $parts.scheme "http")) $port)) -}}
{{- end -}}
{{- uniq $ports | toYaml -}}
{{- end -}}
