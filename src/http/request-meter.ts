import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBES } from './request-log.ts';

/** Told of requests, to count and time them. */
export interface RequestMeter {
  onBegin(): void;
  onEnd(request: {
    readonly method: string;
    /** The template of the route; undefined where there is none of that path. */
    readonly route: string | undefined;
    /** Undefined when the client went away before its answer was there. */
    readonly status: number | undefined;
    /** From the head of the request to the end of the answer. */
    readonly seconds: number;
  }): void;
  /** A connection was refused on which nothing came that is a request. */
  onRefused(status: number): void;
}

/** Tells the meter of each request once, however it ends. */
export function createMeasuring(meter: RequestMeter | undefined) {
  /** By connection, the request under way on it, with the status it was refused with when its rest was no HTTP. */
  const underWay = new WeakMap<Socket, { refused?: number }>();
  return {
    begin(request: FastifyRequest, reply: FastifyReply): void {
      const route = request.is404 ? undefined : request.routeOptions.url;
      // They say nothing of what callers wait for.
      if (meter === undefined || PROBES.has(route ?? '')) return;
      const { socket } = request.raw;
      const fate: { refused?: number } = {};
      underWay.set(socket, fate);
      meter.onBegin();
      reply.raw.once('close', () => {
        if (underWay.get(socket) === fate) underWay.delete(socket);
        meter.onEnd({
          method: request.method,
          route,
          status: reply.raw.writableEnded ? reply.statusCode : fate.refused,
          seconds: reply.elapsedTime / 1000,
        });
      });
    },

    /** The connection is answered by hand and cut. */
    refuse(socket: Socket, status: number): void {
      const fate = underWay.get(socket);
      if (fate === undefined) meter?.onRefused(status);
      else fate.refused = status;
    },
  };
}

export type Measuring = ReturnType<typeof createMeasuring>;
