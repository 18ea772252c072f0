{{/* What the pods of web, worker and migrate have in common. */}}

{{/* Takes a list: the root, and the component. */}}
{{- define "signet.podMetadata" -}}
{{- $root := index . 0 }}
{{- $own := index $root.Values (index . 1) -}}
labels:
  {{- include "signet.labels" . | nindent 2 }}
  {{- with $own.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/settings: {{ toJson (list $root.Values.settings $root.Values.secrets $root.Values.mutualTls) | sha256sum }}
  {{- with $own.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "signet.podSpec" -}}
{{- $root := index . 0 }}
{{- $own := index $root.Values (index . 1) -}}
automountServiceAccountToken: false
enableServiceLinks: false  # else Kubernetes sets SIGNET_* variables that are not settings
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
  {{- if include "signet.secretFiles" $root }}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- include "signet.secretFiles" $root | nindent 8 }}
  {{- end }}
  {{- if include "signet.mutualTls" . }}
  - name: mutual-tls
    projected:
      defaultMode: 0440
      sources:
        {{- include "signet.mutualTlsFiles" $root | trim | nindent 8 }}
  {{- end }}
  {{- with $root.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "signet.secretFiles" -}}
{{- range $name, $from := .Values.secrets }}
{{- with $from }}
- secret: {name: {{ .secret | quote }}, items: [{key: {{ .key | quote }}, path: {{ $name }}}]}
{{- end }}
{{- end }}
{{- end }}

{{- define "signet.container" -}}
{{- $root := index . 0 }}
{{- $own := index $root.Values (index . 1) -}}
name: {{ index . 1 }}
image: {{ include "signet.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- with $root.Values.containerSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if include "signet.secretFiles" $root }}
  - {name: secrets, mountPath: /run/secrets/signet, readOnly: true}
  {{- end }}
  {{- if include "signet.mutualTls" . }}
  - {name: mutual-tls, mountPath: /run/secrets/mutual-tls, readOnly: true}
  {{- end }}
  {{- with $root.Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The variables that name the files of the secrets, and those of `extraEnv`. */}}
{{- define "signet.env" -}}
{{- range $name, $from := .Values.secrets }}
{{- if $from }}
- {name: {{ $name }}_FILE, value: /run/secrets/signet/{{ $name }}}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Takes a list: the root, and the component. Not empty if the pods have the port where clients show certificates. */}}
{{- define "signet.mutualTls" -}}
{{- if and (index . 0).Values.mutualTls.enabled (eq (index . 1) "web") }}yes{{- end }}
{{- end }}

{{- define "signet.mutualTlsFiles" -}}
{{- with .Values.mutualTls }}
- secret:
    name: {{ .certificate.secret | quote }}
    items: [{key: {{ .certificate.certificate | quote }}, path: server.pem}, {key: {{ .certificate.key | quote }}, path: server.key}]
{{- with .authorities }}
{{- if .secret }}
- secret: {name: {{ .secret | quote }}, items: [{key: {{ .key | quote }}, path: authorities.pem}]}
{{- end }}
{{- end }}
{{- with .selfSigned }}
{{- if .secret }}
- secret: {name: {{ .secret | quote }}, items: [{key: {{ .key | quote }}, path: self-signed.pem}]}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "signet.mutualTlsEnv" -}}
{{- with .Values.mutualTls }}
- {name: SIGNET_MTLS_URL, value: {{ .url | quote }}}
- {name: SIGNET_MTLS_PORT, value: {{ .port | quote }}}
- {name: SIGNET_MTLS_CERTIFICATE, value: /run/secrets/mutual-tls/server.pem}
- {name: SIGNET_MTLS_KEY, value: /run/secrets/mutual-tls/server.key}
{{- if .authorities.secret }}
- {name: SIGNET_CLIENT_CERTIFICATE_CA, value: /run/secrets/mutual-tls/authorities.pem}
{{- end }}
{{- if .selfSigned.secret }}
- {name: SIGNET_MTLS_SELF_SIGNED, value: /run/secrets/mutual-tls/self-signed.pem}
{{- end }}
{{- end }}
{{- end }}

{{/* The address of the metrics, in square brackets for IPv6. */}}
{{- define "signet.metricsEnv" -}}
{{- if .Values.metrics.enabled }}
- name: SIGNET_METRICS_ADDRESS
  value: {{ printf "%s:%v" (contains ":" .Values.web.host | ternary (printf "[%s]" .Values.web.host) .Values.web.host) .Values.metrics.port | quote }}
{{- end }}
{{- end }}

{{- define "signet.metricsPort" -}}
{{- if .Values.metrics.enabled }}
- {name: metrics, containerPort: {{ .Values.metrics.port }}}
{{- end }}
{{- end }}

{{/* Takes a list: the root, and the component. */}}
{{- define "signet.topologySpread" -}}
{{- $own := index (index . 0).Values (index . 1) }}
{{- if $own.topologySpreadConstraints }}
{{- toYaml $own.topologySpreadConstraints }}
{{- else }}
{{- $selector := include "signet.selector" . }}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}
