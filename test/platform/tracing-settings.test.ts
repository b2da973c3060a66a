import { describe, expect, it } from 'vitest';
import { readTracing } from '../../src/platform/tracing-settings.ts';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('traces are recorded', () => {
  it('when a collector is named or otlp is asked for, and not otherwise', () => {
    expect(readTracing({})).toBeUndefined();
    expect(readTracing({ OTEL_SERVICE_NAME: 'ledger' })).toBeUndefined();
    expect(readTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeUndefined();
    expect(readTracing({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' })).toBeUndefined();
    expect(readTracing({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
    expect(readTracing(endpoint)).toEqual({
      serviceName: 'quartermaster',
      sampler: 'parentbased_always_on',
      share: 1,
      batch: {},
      warnings: [],
    });
    expect(readTracing({ OTEL_TRACES_EXPORTER: 'otlp' })).toBeDefined();
    expect(readTracing({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' })).toBeDefined();
  });

  it('as the variables of OpenTelemetry say', () => {
    const env = {
      ...endpoint,
      OTEL_SERVICE_NAME: 'ledger',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_MAX_QUEUE_SIZE: '64',
    };
    expect(readTracing(env)).toEqual({
      serviceName: 'ledger',
      sampler: 'parentbased_traceidratio',
      share: 0.25,
      batch: { scheduledDelayMillis: 100, maxQueueSize: 64, maxExportBatchSize: 64 },
      warnings: [],
    });
  });

  it('also when they say what is not understood, which is said', () => {
    const env = {
      ...endpoint,
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_TRACES_SAMPLER_ARG: '7',
      OTEL_BSP_SCHEDULE_DELAY: 'soon',
    };
    const settings = readTracing(env);
    expect(settings).toMatchObject({ sampler: 'parentbased_always_on', share: 1, batch: {} });
    expect(settings?.warnings.map((text) => /[A-Z_]{4,}|OTLP/.exec(text)?.[0])).toEqual([
      'OTEL_TRACES_EXPORTER',
      'OTLP',
      'OTEL_TRACES_SAMPLER',
      'OTEL_TRACES_SAMPLER_ARG',
      'OTEL_BSP_SCHEDULE_DELAY',
    ]);
  });
});
