import {
  closed,
  count,
  duration,
  flag,
  key,
  label,
  labelName,
  labels,
  labelValue,
  list,
  map,
  matching,
  name,
  oneOf,
  optional,
  optionalKey,
  path,
  portNumber,
  quantity,
  range,
  required,
  type Schema,
  share,
  size,
  text,
} from './schema-parts.ts';
import { configSchema } from './settings.ts';

/**
 * What Kubernetes defines and every version of it adds to is handed on as it is, and judged by the API server: closed here, it would
 * refuse what a newer cluster has.
 */
const handedOn = (type: string): Schema => ({ type: 'object', $comment: `Kubernetes: ${type}` });
const handedOnList = (type: string): Schema => ({ type: 'array', items: handedOn(type) });

const labelled = { annotations: map, labels };
const resources = closed({
  requests: { type: ['object', 'null'], additionalProperties: quantity },
  limits: { type: ['object', 'null'], additionalProperties: quantity },
  claims: handedOnList('ResourceClaim'),
});
const probe = (successes?: number) =>
  closed({
    initialDelaySeconds: optional(count()),
    periodSeconds: optional(count(1)),
    timeoutSeconds: optional(count(1)),
    failureThreshold: optional(count(1)),
    successThreshold: optional(count(1, successes)),
  });
const strategy = closed({
  type: oneOf('RollingUpdate', 'Recreate'),
  rollingUpdate: {
    type: ['object', 'null'],
    additionalProperties: false,
    properties: { maxSurge: { ...share, pattern: '^[0-9]{1,3}%$' }, maxUnavailable: share },
  },
});
const placement = {
  nodeSelector: labels,
  tolerations: handedOnList('Toleration'),
  affinity: handedOn('Affinity'),
  priorityClassName: name,
  runtimeClassName: name,
};
const extras = {
  extraEnv: handedOnList('EnvVar'),
  extraVolumes: handedOnList('Volume'),
  extraVolumeMounts: handedOnList('VolumeMount'),
};
const pods = (config: string): Record<string, Schema> => ({
  replicas: count(),
  config: configSchema(config) as Schema,
  terminationGracePeriodSeconds: optional(count(1)),
  podDisruptionBudget: closed({ enabled: flag, maxUnavailable: share, minAvailable: share }),
  serviceAccount: closed({ create: flag, name, annotations: map }),
  resources,
  // Kubernetes takes one success, and no other number, where a pod starts and lives.
  startupProbe: probe(1),
  livenessProbe: probe(1),
  readinessProbe: probe(),
  strategy,
  revisionHistoryLimit: count(),
  podAnnotations: map,
  podLabels: labels,
  annotations: map,
  ...placement,
  topologySpreadConstraints: {
    type: ['array', 'null'],
    items: handedOn('TopologySpreadConstraint'),
  },
  schedulerName: text,
  ...extras,
  extraEnvFrom: handedOnList('EnvFromSource'),
  extraContainers: handedOnList('Container'),
  initContainers: handedOnList('Container'),
});
const accessKey = { secretName: name, accessKeyIdKey: key, secretAccessKeyKey: key };
const databaseOf = closed({
  secretName: required,
  urlKey: key,
  directUrlKey: optionalKey,
  replicaUrlKey: optionalKey,
});
const monitor = closed({
  enabled: flag,
  interval: duration,
  scrapeTimeout: duration,
  ...labelled,
  relabelings: handedOnList('RelabelConfig'),
  metricRelabelings: handedOnList('RelabelConfig'),
});
const peers = handedOnList('NetworkPolicyPeer');

/** What may be given to the chart: every value by its name, and no other. */
export const valuesSchema: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Values of the chart quartermaster',
  ...closed({
    global: { type: 'object', $comment: 'Helm: values of a chart above this one' },
    enabled: { type: 'boolean', $comment: 'Helm: the condition of a chart above this one' },
    nameOverride: label,
    fullnameOverride: label,
    commonLabels: labels,
    commonAnnotations: map,
    imagePullSecrets: list(closed({ name: required })),
    image: closed({
      // The last part has no colon: a tag has its own value.
      repository: matching('^([-a-zA-Z0-9._:]+/)*[-a-z0-9._]*$'),
      tag: matching('^[-a-zA-Z0-9._]{0,128}$'),
      digest: matching('^(sha256:[0-9a-f]{64})?$'),
      pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
    }),
    config: configSchema('Settings of all processes, by the names of their environment variables.') as Schema,
    database: closed({
      api: databaseOf,
      worker: databaseOf,
      migrate: closed({ secretName: required, urlKey: key }),
      ca: closed({ secretName: name, configMapName: name, key }),
      maxConnections: optional(count(1)),
      otherConnections: count(),
      poolerConnections: count(),
    }),
    store: closed({
      type: oneOf('', 's3', 'file'),
      s3: closed({
        bucket: matching('^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$'),
        prefix: matching("^([A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*/?)?$"),
        endpoint: matching('^(https?://[^\\s@]+)?$'),
        region: matching('^[a-z0-9-]{0,63}$'),
        pathStyle: flag,
        sse: oneOf('none', 'AES256', 'aws:kms'),
        kmsKey: { ...matching('^[A-Za-z0-9:/_-]*$'), maxLength: 2048 },
        lockMode: oneOf('none', 'GOVERNANCE', 'COMPLIANCE'),
        lockDays: optional(count(1, 36_500)),
        credentials: closed({ ...accessKey, api: closed(accessKey), worker: closed(accessKey) }),
      }),
      file: closed({
        existingClaim: name,
        subPath: matching('^([^/].*)?$'),
        accessMode: oneOf('ReadWriteMany', 'ReadWriteOnce'),
      }),
    }),
    cache: closed({ sizeLimit: size }),
    tmp: closed({ sizeLimit: size }),
    api: closed({
      ...pods('Settings of the API alone.'),
      autoscaling: closed({
        enabled: flag,
        minReplicas: count(1),
        maxReplicas: count(1),
        targetCPUUtilizationPercentage: optional(count(1)),
        targetMemoryUtilizationPercentage: optional(count(1)),
        metrics: handedOnList('MetricSpec'),
        behavior: handedOn('HorizontalPodAutoscalerBehavior'),
      }),
      service: closed({
        type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
        port: portNumber,
        nodePort: optional(count(30_000, 32_767)),
        loadBalancerClass: text,
        loadBalancerSourceRanges: list(range),
        externalTrafficPolicy: oneOf('', 'Cluster', 'Local'),
        ...labelled,
      }),
    }),
    worker: closed({
      ...pods('Settings of workers alone.'),
      keda: closed({
        enabled: flag,
        // Workers tell how long jobs wait, so without one nobody would ever be woken.
        minReplicaCount: count(1),
        maxReplicaCount: count(1),
        pollingInterval: count(1),
        cooldownPeriod: count(0, 3600),
        fallbackReplicas: count(1),
        prometheus: closed({
          serverAddress: matching('^(https?://[^\\s@]+)?$'),
          query: text,
          threshold: count(1),
          authenticationRef: name,
        }),
        triggers: handedOnList('ScaleTriggers'),
        advanced: handedOn('AdvancedConfig'),
      }),
    }),
    migrations: closed({
      mode: oneOf('hook', 'job', 'none'),
      run: matching('^[-._:a-zA-Z0-9]*$'),
      hookWeight: matching('^-?[0-9]+$'),
      hookDeletePolicy: matching(
        // Without it the Job of the last time is in the way of the next.
        '^(hook-(succeeded|failed),)*before-hook-creation(,hook-(succeeded|failed))*$',
      ),
      annotations: map,
      podAnnotations: map,
      podLabels: labels,
      serviceAccountName: name,
      backoffLimit: count(),
      activeDeadlineSeconds: optional(count(1)),
      ttlSecondsAfterFinished: optional(count()),
      resources,
      ...placement,
      ...extras,
    }),
    toolbox: closed({
      enabled: flag,
      serviceAccountName: name,
      podAnnotations: map,
      podLabels: labels,
      resources,
      ...placement,
      ...extras,
    }),
    podSecurityContext: handedOn('PodSecurityContext'),
    securityContext: handedOn('SecurityContext'),
    ingress: closed({
      enabled: flag,
      className: name,
      annotations: map,
      hosts: list(matching('^(\\*\\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')),
      paths: { ...list(path), minItems: 1 },
      pathType: oneOf('Prefix', 'Exact', 'ImplementationSpecific'),
      tls: handedOnList('IngressTLS'),
    }),
    httpRoute: closed({
      enabled: flag,
      annotations: map,
      parentRefs: handedOnList('ParentReference'),
      hostnames: list(text),
      paths: { ...list(path), minItems: 1 },
      filters: handedOnList('HTTPRouteFilter'),
      timeouts: handedOn('HTTPRouteTimeouts'),
    }),
    networkPolicy: closed({
      enabled: flag,
      apiFrom: peers,
      metricsFrom: peers,
      egress: closed({
        dns: peers,
        dnsPorts: { ...list(portNumber), minItems: 1 },
        database: peers,
        databasePorts: { ...list(portNumber), minItems: 1 },
        store: peers,
        storePorts: { ...list(portNumber), minItems: 1 },
        extra: handedOnList('NetworkPolicyEgressRule'),
      }),
    }),
    metrics: closed({
      serviceMonitor: monitor,
      podMonitor: monitor,
      prometheusRule: closed({
        enabled: flag,
        ...labelled,
        alertLabels: map,
        runbookBaseUrl: matching('^(https?://\\S+)?$'),
        disabled: list(text),
      }),
      dashboards: closed({ enabled: flag, label: labelName, labelValue, annotations: map }),
    }),
    tests: closed({ enabled: flag, serviceAccountName: name, resources }),
    extraObjects: { type: 'array', items: { type: ['object', 'string'], $comment: 'Kubernetes: any' } },
  }),
};
