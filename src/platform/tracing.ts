import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** A span's place in its trace, to link another span to it. Means something only while traces are recorded. */
export type TracePoint = ReturnType<Span['spanContext']>;

export interface SpanOptions {
  readonly kind?: 'server' | 'internal';
  readonly attributes?: Attributes;
  /** Headers of the caller, who may have begun the trace; undefined: it goes on from where it is made. */
  readonly from?: Readonly<Record<string, unknown>>;
  /** Others that wait for this one, which is a trace of its own then. */
  readonly for?: readonly TracePoint[];
}

/** A span that was begun; whoever began it ends it, once. */
export interface OpenSpan {
  /** Runs the action within it. */
  within<T>(action: () => T): T;
  set(attributes: Attributes): void;
  /** `type` is of few values, such as the code of an error. */
  failed(type: string): void;
  end(): void;
}

const kinds = { server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

/** Begins a span. Costs next to nothing while no traces are recorded: see tracing-sdk.ts. */
export function openSpan(name: string, options: SpanOptions = {}): OpenSpan {
  const { kind = 'internal', attributes = {}, from } = options;
  const links = options.for?.map((point) => ({ context: point })) ?? [];
  let parent: Context = context.active();
  if (from !== undefined) parent = propagation.extract(ROOT_CONTEXT, from);
  else if (options.for !== undefined) parent = ROOT_CONTEXT;
  const span = trace
    .getTracer('quartermaster')
    .startSpan(name, { kind: kinds[kind], attributes, links }, parent);
  const inside = trace.setSpan(parent, span);
  return {
    within: (action) => context.with(inside, action),
    set: (more) => void span.setAttributes(more),
    failed(type) {
      span.setAttribute('error.type', type);
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
    end: () => span.end(),
  };
}

/** Where the caller is in a trace that is recorded. */
export function tracePoint(): TracePoint | undefined {
  const point = trace.getActiveSpan()?.spanContext();
  return point !== undefined && trace.isSpanContextValid(point) ? point : undefined;
}

/** The names under which the lines of a log are found from a trace. */
export function traceIds(): { trace_id: string; span_id: string } | undefined {
  const point = tracePoint();
  return point && { trace_id: point.traceId, span_id: point.spanId };
}
