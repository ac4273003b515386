{{/* What the Jobs and the init container have in common: a container without its arguments. Takes the values of this chart. */}}
{{- define "phase.container" -}}
image: {{ .image | quote }}
env:
  - name: DATABASE_URL
    valueFrom: { secretKeyRef: { name: {{ .databaseSecret.name }}, key: {{ .databaseSecret.key }} } }
  # The disk of a pod goes with it, and the audits of data changes would.
  - { name: PHASE_AUDIT_STORE, value: database }
resources:
  {{- toYaml .resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  runAsNonRoot: true
  runAsUser: 1000
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* The init container of the application's Deployment: {{ include "phase.wait" .Values.phase | nindent 8 }} below initContainers. */}}
{{- define "phase.wait" -}}
- name: wait-for-migrations
  args: [wait, --release, {{ .release | quote }}, --timeout, {{ .waitTimeout | quote }}]
  {{- include "phase.container" . | nindent 2 }}
{{- end }}

{{/* A Job, as a hook. Takes a dict: values, release (of Helm), command, args, hooks. */}}
{{- define "phase.job" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ printf "%s-phase-%s" .release.Name .command | trunc 63 | trimSuffix "-" }}
  labels: { app.kubernetes.io/name: phase, app.kubernetes.io/instance: {{ .release.Name }}, app.kubernetes.io/component: {{ .command }} }
  annotations:
    helm.sh/hook: {{ .hooks }}
    # One that has failed stays for its logs, until the same is tried again.
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  # Safe to repeat: what was done is in the ledger, and a failed step is rolled back or goes on where it stopped.
  backoffLimit: 2
  activeDeadlineSeconds: {{ .values.deadline }}
  # A refusal stays one however often it is tried: usage, a refused step, files, findings.
  podFailurePolicy:
    rules:
      - action: FailJob
        onExitCodes: { containerName: phase, operator: In, values: [2, 4, 5, 7] }
  template:
    metadata:
      labels: { app.kubernetes.io/name: phase, app.kubernetes.io/component: {{ .command }} }
    spec:
      restartPolicy: Never
      # A batch or a step ends in this time; what is cut off goes on from its checkpoint.
      terminationGracePeriodSeconds: 60
      containers:
        - name: phase
          args: {{ toJson .args }}
          volumeMounts: [{ name: tmp, mountPath: /tmp }]
          {{- include "phase.container" .values | nindent 10 }}
      volumes: [{ name: tmp, emptyDir: {} }]
{{- end }}
