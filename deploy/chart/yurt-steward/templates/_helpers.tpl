{{- define "yurt-steward.labels" -}}
app.kubernetes.io/name: yurt-steward
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* The agent's pods are not the Deployment's: a PodDisruptionBudget counts none without a scale. */}}
{{- define "yurt-steward.agentLabels" -}}
app.kubernetes.io/name: yurt-steward-node
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "yurt-steward.agentMetadata" -}}
name: {{ .Values.name }}-node
namespace: {{ .Release.Namespace }}
labels:
  {{- include "yurt-steward.agentLabels" . | nindent 2 }}
{{- end }}

{{- define "yurt-steward.metadata" -}}
name: {{ .Values.name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "yurt-steward.labels" . | nindent 2 }}
{{- end }}

{{- define "yurt-steward.subjects" -}}
- kind: ServiceAccount
  name: {{ .Values.name }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "yurt-steward.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
