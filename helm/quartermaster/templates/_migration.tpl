{{/*
The pod of the migration. It comes before anything else of the chart is there, so it names nothing that the chart makes: Secrets that exist, a
ServiceAccount that exists, and settings written out.
*/}}
{{- define "quartermaster.migrationPod" -}}
{{- $own := .Values.migrations -}}
{{- $context := dict "root" . "component" "migrate" -}}
metadata:
  labels:
    {{- include "quartermaster.podLabels" (dict "root" . "component" "migrate" "more" $own.podLabels) | nindent 4 }}
  {{- with include "quartermaster.annotations" (dict "root" . "more" $own.podAnnotations) }}{{ . | nindent 2 }}{{ end }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ default "default" $own.serviceAccountName }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 35
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with include "quartermaster.placement" $own }}{{ . | trim | nindent 2 }}{{ end }}
  {{- with $own.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: migrate
      image: {{ include "quartermaster.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - migrate
        - up
      env:
        {{- range $name, $text := omit (include "quartermaster.settings" $context | fromYaml) "QM_HOST" "QM_PORT" "QM_WORKER_PORT" "QM_CACHE_DIR" }}
        - name: {{ $name }}
          value: {{ $text | quote }}
        {{- end }}
        {{- include "quartermaster.secretEnv" $context | nindent 8 }}
        {{- with include "quartermaster.caEnv" . }}{{ . | nindent 8 }}{{ end }}
        {{- with $own.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml $own.resources | nindent 8 }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- with include "quartermaster.caMount" . }}{{ . | nindent 8 }}{{ end }}
        {{- with $own.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: {{ .Values.tmp.sizeLimit }}
    {{- with include "quartermaster.caVolume" . }}{{ . | nindent 4 }}{{ end }}
    {{- with $own.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
