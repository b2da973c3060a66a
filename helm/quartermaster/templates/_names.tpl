{{/* The chart's part of names. */}}
{{- define "quartermaster.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/*
The name of all objects of a release, without what kind they are. 40 characters, so that with the longest ending (`-migrate-`
and a hash, and what Kubernetes adds to pods) it stays a label. What is cut off is replaced by a hash of the whole, so that two
releases with long names do not collide.
*/}}
{{- define "quartermaster.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- end -}}
{{- if gt (len $full) 40 -}}
{{- printf "%s-%s" ($full | trunc 31 | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- else -}}
{{- $full | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "quartermaster.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
What selects the pods of a component. Kubernetes lets nobody change it in a Deployment, so it has nothing in it that a new version or another value
could change, and it is never touched here. Takes (dict "root" $ "component" "api").
*/}}
{{- define "quartermaster.selector" -}}
app.kubernetes.io/name: {{ include "quartermaster.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* All labels of an object. Takes (dict "root" $ "component" "api" "more" (dict …)). Ours win over those that are given. */}}
{{- define "quartermaster.labels" -}}
{{- $own := include "quartermaster.selector" . | fromYaml -}}
{{- $_ := set $own "helm.sh/chart" (include "quartermaster.chart" .root) -}}
{{- $_ := set $own "app.kubernetes.io/version" (.root.Chart.AppVersion | replace "+" "_" | trunc 63) -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "quartermaster" -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- merge $own (default dict .more) .root.Values.commonLabels | toYaml -}}
{{- end -}}

{{/*
Labels of a pod: without those of the chart and of who installs it, so that a new chart with the same image restarts nothing. Takes
what the labels of an object take.
*/}}
{{- define "quartermaster.podLabels" -}}
{{- omit (include "quartermaster.labels" . | fromYaml) "helm.sh/chart" "app.kubernetes.io/managed-by" | toYaml -}}
{{- end -}}

{{/* Annotations of an object, or nothing at all. Takes (dict "root" $ "more" (dict …)). */}}
{{- define "quartermaster.annotations" -}}
{{- with merge (dict) (default dict .more) .root.Values.commonAnnotations -}}
annotations:
  {{- range $name, $value := . }}
  {{ $name | quote }}: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "quartermaster.image" -}}
{{- $image := .Values.image -}}
{{- $tag := default .Chart.AppVersion $image.tag -}}
{{- if $image.digest -}}
{{- printf "%s:%s@%s" $image.repository $tag $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository $tag -}}
{{- end -}}
{{- end -}}

{{/* The ServiceAccount of a component. Takes (dict "root" $ "component" "api"). */}}
{{- define "quartermaster.serviceAccountName" -}}
{{- $account := (get .root.Values .component).serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-%s" (include "quartermaster.fullname" .root) .component) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}
