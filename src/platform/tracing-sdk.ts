import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from './logger.ts';
import type { TracingSettings } from './tracing-settings.ts';

/** A collector that is away must not keep a pod from ending. */
const FAREWELL_MS = 1000;

/**
 * Records traces from now on and sends them to the collector that OTEL_EXPORTER_OTLP_… name. Loaded only where they are
 * wanted: the packages above are of no use to anybody else. Once in the life of a process.
 *
 * @returns `stop`, which sends what there is still to send
 */
export function startTracing(
  settings: TracingSettings,
  { version, logger }: { version: string; logger: Logger },
): { stop(): Promise<void> } {
  for (const warning of settings.warnings) logger.warn(warning);
  // What cannot be sent is lost, and said; nothing else depends on it.
  const say = (message: string) => logger.warn({ cause: message.slice(0, 500) }, 'traces cannot be sent');
  const silent = () => {};
  diag.setLogger(
    { error: say, warn: say, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': settings.serviceName, 'service.version': version }))
      // OTEL_RESOURCE_ATTRIBUTES: where a pod says which one it is.
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(settings),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...settings.batch })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  trace.setGlobalTracerProvider(provider);
  logger.info({ sampler: settings.sampler }, 'traces are recorded');
  return {
    stop: async () => {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, FAREWELL_MS);
      await Promise.race([provider.shutdown().catch((error: unknown) => say(String(error))), late.promise]);
      clearTimeout(timer);
    },
  };
}

function samplerOf({ sampler, share }: TracingSettings): Sampler {
  const [base, isParentBased] = [sampler.replace('parentbased_', ''), sampler.startsWith('parentbased_')];
  const root =
    base === 'always_off'
      ? new AlwaysOffSampler()
      : base === 'traceidratio'
        ? new TraceIdRatioBasedSampler(share)
        : new AlwaysOnSampler();
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}
