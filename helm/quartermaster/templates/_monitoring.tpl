{{/*
How a target is scraped. Every target is given its release, by which alerts and dashboards tell two of a namespace apart. Takes (dict
"root" $ "monitor" (the values of a monitor)).
*/}}
{{- define "quartermaster.scrape" -}}
path: /metrics
interval: {{ .monitor.interval }}
scrapeTimeout: {{ .monitor.scrapeTimeout }}
relabelings:
  - action: replace
    targetLabel: release
    replacement: {{ .root.Release.Name | quote }}
  {{- with .monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The groups of files/alerts.yaml as the values want them. What Prometheus fills in itself, `{{ $value }}`, is left as it is. */}}
{{- define "quartermaster.ruleGroups" -}}
{{- $own := .Values.metrics.prometheusRule -}}
{{- $file := .Files.Get "files/alerts.yaml" | fromYaml -}}
{{- if hasKey $file "Error" }}{{ fail (printf "files/alerts.yaml of the chart is no YAML: %s" $file.Error) }}{{ end -}}
{{- $groups := list -}}
{{- range $group := default list $file.groups -}}
{{- $rules := list -}}
{{- range $rule := $group.rules -}}
{{- if not (and $rule.alert (has $rule.alert $own.disabled)) -}}
{{- if $rule.alert -}}
{{- $_ := set $rule "labels" (merge (dict) (default dict $rule.labels) $own.alertLabels) -}}
{{- $annotations := default dict $rule.annotations -}}
{{- if and $own.runbookBaseUrl $annotations.runbook_url -}}
{{- $_ := set $annotations "runbook_url" (printf "%s/%s" ($own.runbookBaseUrl | trimSuffix "/") ($annotations.runbook_url | trimPrefix "/")) -}}
{{- end -}}
{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- if $rules }}{{ $groups = append $groups (set $group "rules" $rules) }}{{ end -}}
{{- end -}}
{{- with $groups }}{{ toYaml . }}{{ end -}}
{{- end -}}
