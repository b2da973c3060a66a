{{/*
A pod of the role that owns the ledger: of the migration, or for people. It may come before anything else of the chart is there, so it
names nothing that the chart makes: Secrets that exist, a ServiceAccount that exists, and settings written out. Takes (dict "root" $ "component"
"migrate" "own" .Values.migrations "run" (dict "args" (list …))).
*/}}
{{- define "quartermaster.ownerPod" -}}
{{- $root := .root -}}
{{- $own := .own -}}
{{- $context := dict "root" $root "component" "migrate" -}}
metadata:
  labels:
    {{- include "quartermaster.podLabels" (dict "root" $root "component" .component "more" $own.podLabels) | nindent 4 }}
  {{- with include "quartermaster.annotations" (dict "root" $root "more" $own.podAnnotations) }}{{ . | nindent 2 }}{{ end }}
spec:
  restartPolicy: {{ ternary "Never" "Always" (eq .component "migrate") }}
  serviceAccountName: {{ default "default" $own.serviceAccountName | quote }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 35
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  {{- with include "quartermaster.placement" $own }}{{ . | trim | nindent 2 }}{{ end }}
  {{- with $own.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component | quote }}
      image: {{ include "quartermaster.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      {{- toYaml .run | nindent 6 }}
      env:
        {{- range $name, $text := omit (include "quartermaster.settings" $context | fromYaml) "QM_HOST" "QM_PORT" "QM_WORKER_PORT" "QM_CACHE_DIR" }}
        - name: {{ $name | quote }}
          value: {{ $text | quote }}
        {{- end }}
        {{- include "quartermaster.secretEnv" $context | nindent 8 }}
        {{- with include "quartermaster.caEnv" $root }}{{ . | nindent 8 }}{{ end }}
        {{- with $own.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml $own.resources | nindent 8 }}
      securityContext:
        {{- toYaml $root.Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- with include "quartermaster.caMount" $root }}{{ . | nindent 8 }}{{ end }}
        {{- with $own.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: {{ $root.Values.tmp.sizeLimit }}
    {{- with include "quartermaster.caVolume" $root }}{{ . | nindent 4 }}{{ end }}
    {{- with $own.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* The Job that migrates, without its name. */}}
{{- define "quartermaster.migrationSpec" -}}
{{- $own := .Values.migrations -}}
backoffLimit: {{ int64 $own.backoffLimit }}
{{- with $own.activeDeadlineSeconds }}
activeDeadlineSeconds: {{ int64 . }}
{{- end }}
{{- if and (eq $own.mode "job") (not (kindIs "invalid" $own.ttlSecondsAfterFinished)) }}
ttlSecondsAfterFinished: {{ int64 $own.ttlSecondsAfterFinished }}
{{- end }}
podFailurePolicy:
  rules:
    # Wrong settings do not become right by trying again.
    - action: FailJob
      onExitCodes:
        containerName: migrate
        operator: In
        values:
          - 78
    # A node that is drained is nobody's failure.
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: 'True'
template:
  {{- include "quartermaster.ownerPod" (dict "root" $ "component" "migrate" "own" $own "run" (dict "args" (list "migrate" "up"))) | nindent 2 }}
{{- end -}}

{{/* A Job cannot be changed, so among the other objects it has another name whenever anything in it is other, or migrations.run is. */}}
{{- define "quartermaster.migrationName" -}}
{{- $name := printf "%s-migrate" (include "quartermaster.fullname" .) -}}
{{- if eq .Values.migrations.mode "job" -}}
{{- printf "%s-%s" $name (printf "%s%s" (include "quartermaster.migrationSpec" .) .Values.migrations.run | sha256sum | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}
