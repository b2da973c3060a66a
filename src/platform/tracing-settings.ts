/** How traces are recorded: OpenTelemetry's own variables, as far as they are understood. */
export interface TracingSettings {
  readonly serviceName: string;
  readonly sampler: Sampler;
  /** Share of the traces that are recorded, of samplers that go by it. */
  readonly share: number;
  readonly batch: {
    readonly scheduledDelayMillis?: number;
    readonly exportTimeoutMillis?: number;
    readonly maxQueueSize?: number;
    readonly maxExportBatchSize?: number;
  };
  /** What was given and is not followed. OpenTelemetry wants that said and not that a service fails for it. */
  readonly warnings: readonly string[];
}

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type Sampler = (typeof samplers)[number];

const batch = {
  scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
  exportTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
  maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
  maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads OpenTelemetry's variables; undefined where nobody asked for traces. Where they go to, with which headers and
 * certificates, the exporter reads by itself (OTEL_EXPORTER_OTLP_…).
 */
export function readTracing(env: Environment): TracingSettings | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  const exporter = env.OTEL_TRACES_EXPORTER ?? '';
  const asked = exporter || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!asked || exporter === 'none') return undefined;

  const warnings: string[] = [];
  if (exporter !== '' && exporter !== 'otlp')
    warnings.push(`OTEL_TRACES_EXPORTER is ${exporter}; there is otlp and none, so it is otlp.`);
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol && protocol !== 'http/protobuf')
    warnings.push(`The OTLP protocol is ${protocol}; only http/protobuf is spoken, by default to port 4318.`);

  const wanted = env.OTEL_TRACES_SAMPLER || 'parentbased_always_on';
  const sampler = samplers.find((one) => one === wanted);
  if (sampler === undefined)
    warnings.push(`OTEL_TRACES_SAMPLER is ${wanted}; there is ${samplers.join(', ')}. All is recorded.`);
  const share = Number(env.OTEL_TRACES_SAMPLER_ARG || 1);
  const isShare = share >= 0 && share <= 1;
  if (!isShare) warnings.push('OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1. All is recorded.');

  const sizes: Record<string, number> = {};
  for (const [name, variable] of Object.entries(batch)) {
    const text = env[variable];
    if (!text) continue;
    if (/^[1-9]\d{0,8}$/.test(text)) sizes[name] = Number(text);
    else warnings.push(`${variable} is no whole number of 1 or more, and is left at its default.`);
  }
  // The processor refuses a batch that is larger than its queue.
  const { maxQueueSize = 2048, maxExportBatchSize = 512 } = sizes;
  if (maxExportBatchSize > maxQueueSize) sizes.maxExportBatchSize = maxQueueSize;
  return {
    serviceName: env.OTEL_SERVICE_NAME || 'quartermaster',
    sampler: sampler ?? 'parentbased_always_on',
    share: isShare ? share : 1,
    batch: sizes,
    warnings,
  };
}
