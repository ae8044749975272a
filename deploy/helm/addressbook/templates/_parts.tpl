{{/* Labels of everything; of what `name` runs. Takes a list of the root and the name. */}}
{{- define "addressbook.labels" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/part-of: addressbook
{{- end }}

{{- define "addressbook.image" -}}
{{- with .Values.image -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* The URL of the database. Takes a list of the root and the role. */}}
{{- define "addressbook.database-url" -}}
{{- with (index . 0).Values.database -}}
postgres://{{ index $ 1 }}@{{ .hosts }}/{{ .name }}{{ with .options }}?{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* What every pod is: without rights, on a read-only system. */}}
{{- define "addressbook.pod-security" -}}
automountServiceAccountToken: false
# Variables that Kubernetes adds for each service could be taken for settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  # The group that may read the secrets.
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "addressbook.container-security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* A probe of the type grpc cannot use TLS; the sub-command can. */}}
{{- define "addressbook.ask-health" -}}
{{- if .values.tlsSecret -}}
exec: { command: [{{ .name }}-service, health] }
{{- else -}}
grpc: { port: {{ .port }} }
{{- end }}
{{- end }}

{{/*
A service: Deployment, Service, PodDisruptionBudget and HorizontalPodAutoscaler. Takes a dict
of the root, the name, the port, the values of the service, and its own settings.
*/}}
{{- define "addressbook.service" -}}
{{- $name := printf "%s-%s" .root.Release.Name .name -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "addressbook.labels" (list .root .name) | nindent 4 }}
spec:
  # The autoscaler sets the number of replicas.
  selector:
    matchLabels: {{- include "addressbook.labels" (list .root .name) | nindent 6 }}
  strategy:
    # A new replica serves before an old one is stopped.
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  template:
    metadata:
      labels: {{- include "addressbook.labels" (list .root .name) | nindent 8 }}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9464"
    spec:
      {{- include "addressbook.pod-security" . | nindent 6 }}
      # Longer than SHUTDOWN_LEAD_SECONDS and SHUTDOWN_GRACE_SECONDS together.
      terminationGracePeriodSeconds: {{ add .root.Values.shutdownLeadSeconds 25 }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "addressbook.labels" (list .root .name) | nindent 14 }}
      containers:
        - name: {{ .name }}
          image: {{ include "addressbook.image" .root | quote }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          command: [{{ .name }}-service, serve]
          {{- include "addressbook.container-security" . | nindent 10 }}
          env:
            - { name: LISTEN_ADDR, value: "0.0.0.0:{{ .port }}" }
            - { name: METRICS_ADDR, value: "0.0.0.0:9464" }
            - { name: LOG_FORMAT, value: json }
            - { name: DATABASE_URL, value: {{ include "addressbook.database-url" (list .root (printf "%s_service" .name)) | quote }} }
            - { name: DATABASE_PASSWORD_FILE, value: /secrets/database-password }
            - { name: SECRET_KEYS_FILE, value: /secrets/keys }
            - { name: SHUTDOWN_LEAD_SECONDS, value: {{ .root.Values.shutdownLeadSeconds | quote }} }
            - { name: TRUSTED_PROXIES, value: {{ .root.Values.trustedProxies | quote }} }
            - { name: WORKER_THREADS, value: {{ .values.workerThreads | quote }} }
            {{- with .root.Values.traces }}
            {{- if .endpoint }}
            - { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }} }
            - { name: OTEL_TRACES_SAMPLER, value: traceidratio }
            - { name: OTEL_TRACES_SAMPLER_ARG, value: {{ .part | quote }} }
            {{- end }}
            {{- end }}
            {{- if .values.tlsSecret }}
            - { name: TLS_CERT_FILE, value: /tls/tls.crt }
            - { name: TLS_KEY_FILE, value: /tls/tls.key }
            {{- else }}
            # The network policies keep all but the gateway and the other service away.
            - { name: ALLOW_PLAINTEXT, value: "true" }
            {{- end }}
            {{- range $key, $value := .settings }}
            - { name: {{ $key }}, value: {{ $value | quote }} }
            {{- end }}
            {{- range $key, $value := .values.env }}
            - { name: {{ $key }}, value: {{ $value | quote }} }
            {{- end }}
          ports:
            - { name: grpc, containerPort: {{ .port }} }
            - { name: metrics, containerPort: 9464 }
          # Calls come only while the service reports SERVING.
          readinessProbe:
            {{- include "addressbook.ask-health" . | nindent 12 }}
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          # Longer than DATABASE_START_SECONDS.
          startupProbe:
            {{- include "addressbook.ask-health" . | nindent 12 }}
            periodSeconds: 2
            timeoutSeconds: 3
            failureThreshold: 30
          # Not the health service, because a restart does not bring a lost database back.
          livenessProbe:
            httpGet: { path: /metrics, port: metrics }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          resources: {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            - { name: secrets, mountPath: /secrets, readOnly: true }
            {{- if .values.tlsSecret }}
            - { name: tls, mountPath: /tls, readOnly: true }
            {{- end }}
            {{- if .values.authCaSecret }}
            - { name: auth-ca, mountPath: /auth-ca, readOnly: true }
            {{- end }}
      volumes:
        # The group may read the files, others may not: the services insist on that.
        - { name: secrets, secret: { secretName: {{ .values.secret }}, defaultMode: 0440 } }
        {{- with .values.tlsSecret }}
        - { name: tls, secret: { secretName: {{ . }}, defaultMode: 0440 } }
        {{- end }}
        {{- with .values.authCaSecret }}
        - { name: auth-ca, secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: ca.crt, path: ca.crt }] } }
        {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "addressbook.labels" (list .root .name) | nindent 4 }}
spec:
  selector: {{- include "addressbook.labels" (list .root .name) | nindent 4 }}
  ports:
    - name: grpc
      port: {{ .port }}
      targetPort: grpc
      {{- if not .values.tlsSecret }}
      appProtocol: kubernetes.io/h2c
      {{- end }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels: {{- include "addressbook.labels" (list .root .name) | nindent 4 }}
spec:
  maxUnavailable: 1
  # A pod that cannot serve does not keep its node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "addressbook.labels" (list .root .name) | nindent 6 }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  labels: {{- include "addressbook.labels" (list .root .name) | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ $name }} }
  minReplicas: {{ .values.minReplicas }}
  maxReplicas: {{ .values.maxReplicas }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: 150 } }
  behavior:
    # A new replica of contacts has to read the address books that are searched.
    scaleDown: { stabilizationWindowSeconds: 600 }
{{- end }}
