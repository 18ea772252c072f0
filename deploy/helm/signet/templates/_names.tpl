{{/* Names and labels. */}}

{{- define "signet.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 54 characters: names of objects end in words such as -worker and -migrate. */}}
{{- define "signet.fullname" -}}
{{- $name := include "signet.name" . }}
{{- $release := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $release | trunc 54 | trimSuffix "-" }}
{{- end }}

{{- define "signet.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "signet.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{/* Takes a list: the root, and the component. */}}
{{- define "signet.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "signet.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "signet.labels" -}}
{{- $root := index . 0 -}}
{{ include "signet.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "signet.image" -}}
{{- $repository := required "Set image.repository to your image of Signet" .Values.image.repository }}
{{- with .Values.image.digest }}
{{- printf "%s@%s" $repository . }}
{{- else }}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The issuer as a URL in parts: host without a port, and path without a final slash. */}}
{{- define "signet.host" -}}
{{- (urlParse .Values.settings.SIGNET_ISSUER).hostname }}
{{- end }}

{{- define "signet.path" -}}
{{- (urlParse .Values.settings.SIGNET_ISSUER).path | trimSuffix "/" }}
{{- end }}

{{/* The paths of the host that belong to Signet, one a line. Those in front of the issuer's path: RFC 8414, RFC 9728. */}}
{{- define "signet.paths" -}}
{{- $path := include "signet.path" . -}}
{{ $path | default "/" }}
{{- if $path }}
/.well-known/oauth-authorization-server{{ $path }}
/.well-known/openid-configuration{{ $path }}
/.well-known/oauth-protected-resource{{ $path }}
{{- end }}
{{- end }}

{{- define "signet.hasRedis" -}}
{{- if or .Values.secrets.SIGNET_REDIS_URL .Values.settings.SIGNET_REDIS_URL }}yes{{ end }}
{{- end }}

{{/* A setting as its variable has it. toJson writes a large number without an exponent. */}}
{{- define "signet.value" -}}
{{- kindIs "string" . | ternary (toString .) (toJson .) | quote }}
{{- end }}

{{/* Fails for what the schema cannot say. */}}
{{- define "signet.check" -}}
{{- range $name, $from := .Values.secrets }}
{{- if and $from (hasKey $.Values.settings $name) (not (kindIs "invalid" (index $.Values.settings $name))) }}
{{- fail (printf "%s is in settings and in secrets. Set secrets.%s to null to use the one in settings" $name $name) }}
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled .Values.httpRoute.enabled }}
{{- fail "Enable ingress or httpRoute, not both" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "Set httpRoute.parentRefs to the Gateway that the route attaches to" }}
{{- end }}
{{- with .Values.mutualTls }}
{{- if .enabled }}
{{- if not .url }}
{{- fail "Set mutualTls.url to the public URL of the port where clients show certificates" }}
{{- end }}
{{- if not (or .authorities.secret .selfSigned.secret) }}
{{- fail "Set mutualTls.authorities.secret or mutualTls.selfSigned.secret: the port accepts no other certificates" }}
{{- end }}
{{- end }}
{{- end }}
{{- if not (or .Values.secrets.SIGNET_DATABASE_URL .Values.settings.SIGNET_DATABASE_URL) }}
{{- fail "Set secrets.SIGNET_DATABASE_URL to the Secret with the URL of your PostgreSQL" }}
{{- end }}
{{- end }}
