{{/* Where pods of a component go. Takes what has nodeSelector, tolerations, priorityClassName and runtimeClassName. */}}
{{- define "quartermaster.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .schedulerName }}
schedulerName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Affinity of a component. A volume for one node brings all pods to one node; the first may go where it likes, for it matches itself. */}}
{{- define "quartermaster.affinity" -}}
{{- $values := .root.Values -}}
{{- $given := (get $values .component).affinity -}}
{{- if $given -}}
affinity:
  {{- toYaml $given | nindent 2 }}
{{- else if and (eq $values.store.type "file") (eq $values.store.file.accessMode "ReadWriteOnce") -}}
affinity:
  podAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            app.kubernetes.io/name: {{ include "quartermaster.name" .root | quote }}
            app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
          matchExpressions:
            - key: app.kubernetes.io/component
              operator: In
              values:
                - api
                - worker
{{- end -}}
{{- end -}}

{{/* Pods of one ReplicaSet are spread, so that those of the old one do not count during an update. */}}
{{- define "quartermaster.spread" -}}
{{- $selector := include "quartermaster.selector" . | fromYaml -}}
{{- $given := (get .root.Values .component).topologySpreadConstraints -}}
{{- if kindIs "slice" $given -}}
{{- with $given -}}
topologySpreadConstraints:
  {{- range . }}
  - {{ merge (dict) . (ternary (dict) (dict "labelSelector" (dict "matchLabels" $selector)) (hasKey . "labelSelector")) | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- else -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- toYaml $selector | nindent 8 }}
    matchLabelKeys:
      - pod-template-hash
  {{- end }}
{{- end }}
{{- end -}}

{{/* A probe of the chart with the figures of the values. Takes (dict "path" "/readyz" "port" "http" "figures" (dict …)). */}}
{{- define "quartermaster.probe" -}}
httpGet:
  path: {{ .path | quote }}
  port: {{ .port }}
{{- range $name, $value := .figures }}
{{- if not (kindIs "invalid" $value) }}
{{ $name }}: {{ int64 $value }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "quartermaster.grace" -}}
{{- $own := get .root.Values .component -}}
{{- $stop := include "quartermaster.number" (merge (dict "name" "QM_STOP_WITHIN" "default" 25) .) | int64 -}}
{{- default (add $stop 10) $own.terminationGracePeriodSeconds | int64 -}}
{{- end -}}

{{/* The Deployment of a component. Takes (dict "root" $ "component" "api" "port" "http" "number" 7070 "scaled" false). */}}
{{- define "quartermaster.deployment" -}}
{{- $root := .root -}}
{{- $own := get $root.Values .component -}}
{{- $name := printf "%s-%s" (include "quartermaster.fullname" $root) .component -}}
{{- $store := $root.Values.store -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name | quote }}
  namespace: {{ $root.Release.Namespace | quote }}
  labels:
    {{- include "quartermaster.labels" . | nindent 4 }}
  {{- with include "quartermaster.annotations" (dict "root" $root "more" $own.annotations) }}{{ . | nindent 2 }}{{ end }}
spec:
  {{- if not .scaled }}
  replicas: {{ int64 $own.replicas }}
  {{- else }}
  {{- /* A number that leaves the manifest would become one before whoever scales has looked, so that which is there stays. */}}
  {{- $live := default dict (lookup "apps/v1" "Deployment" $root.Release.Namespace $name) }}
  {{- if hasKey (default dict $live.spec) "replicas" }}
  replicas: {{ int64 $live.spec.replicas }}
  {{- end }}
  {{- end }}
  revisionHistoryLimit: {{ int64 $own.revisionHistoryLimit }}
  strategy:
    {{- ternary (omit $own.strategy "rollingUpdate") $own.strategy (eq (default "" $own.strategy.type) "Recreate") | toYaml | nindent 4 }}
  selector:
    matchLabels:
      {{- include "quartermaster.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "quartermaster.podLabels" (dict "root" $root "component" .component "more" $own.podLabels) | nindent 8 }}
      annotations:
        {{- range $key, $value := merge (dict) $own.podAnnotations $root.Values.commonAnnotations }}
        {{ $key | quote }}: {{ $value | quote }}
        {{- end }}
        checksum/config: {{ include "quartermaster.settings" . | sha256sum | quote }}
        kubectl.kubernetes.io/default-container: {{ .component }}
    spec:
      serviceAccountName: {{ include "quartermaster.serviceAccountName" . | quote }}
      automountServiceAccountToken: false
      # Of a release named qm, Kubernetes would give pods variables that begin with QM_: settings that nobody knows,
      # with which no process starts.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ include "quartermaster.grace" . }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- toYaml $root.Values.podSecurityContext | nindent 8 }}
      {{- with include "quartermaster.placement" $own }}{{ . | trim | nindent 6 }}{{ end }}
      {{- with include "quartermaster.affinity" . }}{{ . | nindent 6 }}{{ end }}
      {{- with include "quartermaster.spread" . }}{{ . | nindent 6 }}{{ end }}
      {{- with $own.initContainers }}
      initContainers:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component | quote }}
          image: {{ include "quartermaster.image" $root | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args:
            - {{ .component }}
          ports:
            - name: {{ .port | quote }}
              containerPort: {{ .number }}
              protocol: TCP
          # The last one wins, so that nothing from elsewhere replaces a setting unseen.
          envFrom:
            {{- with $own.extraEnvFrom }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            - configMapRef:
                name: {{ $name | quote }}
          env:
            {{- include "quartermaster.secretEnv" . | nindent 12 }}
            {{- with include "quartermaster.caEnv" $root }}{{ . | nindent 12 }}{{ end }}
            {{- with $own.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          startupProbe:
            {{- include "quartermaster.probe" (dict "path" "/healthz" "port" .port "figures" $own.startupProbe) | nindent 12 }}
          livenessProbe:
            {{- include "quartermaster.probe" (dict "path" "/healthz" "port" .port "figures" $own.livenessProbe) | nindent 12 }}
          readinessProbe:
            {{- include "quartermaster.probe" (dict "path" "/readyz" "port" .port "figures" $own.readinessProbe) | nindent 12 }}
          resources:
            {{- toYaml $own.resources | nindent 12 }}
          securityContext:
            {{- toYaml $root.Values.securityContext | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            - name: cache
              mountPath: /var/cache/quartermaster
            {{- with include "quartermaster.caMount" $root }}{{ . | nindent 12 }}{{ end }}
            {{- if eq $store.type "file" }}
            - name: archive
              mountPath: /var/lib/quartermaster/archive
              {{- if eq .component "api" }}
              readOnly: true
              {{- end }}
              {{- with $store.file.subPath }}
              subPath: {{ . | quote }}
              {{- end }}
            {{- end }}
            {{- with $own.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- with $own.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: {{ $root.Values.tmp.sizeLimit }}
        - name: cache
          emptyDir:
            sizeLimit: {{ $root.Values.cache.sizeLimit }}
        {{- with include "quartermaster.caVolume" $root }}{{ . | nindent 8 }}{{ end }}
        {{- if eq $store.type "file" }}
        - name: archive
          persistentVolumeClaim:
            claimName: {{ $store.file.existingClaim | quote }}
        {{- end }}
        {{- with $own.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end -}}
