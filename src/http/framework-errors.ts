import { AppError } from '../core/errors.ts';
import { toAppError } from '../db/sqlstate.ts';

/** The largest request body, in bytes, unless a route takes more. */
export const BODY_LIMIT = 1024 * 1024;

/** The longest value of a path's parameter, in characters as they are sent: an account's 128 may be nine each. */
export const MAX_PARAMETER = 1200;

/** Whatever was thrown as one of ours. Fastify's own errors are known by their codes, its reference `Errors.md`. */
export function asAppError(thrown: unknown, bodyLimit = BODY_LIMIT): AppError {
  if (thrown instanceof AppError) return thrown;
  const options = { cause: thrown };
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError(
        'invalid',
        'body_too_large',
        `Here a body has at most ${bodyLimit} bytes.`,
        options,
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const detail = 'A body is JSON: send it with Content-Type: application/json.';
      return new AppError('invalid', 'unsupported_media_type', detail, options);
    }
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH': {
      const detail = 'The body is not as long as Content-Length says.';
      return new AppError('invalid', 'truncated_body', detail, options);
    }
    case 'FST_ERR_BAD_URL':
      return new AppError('invalid', 'invalid_path', 'The path is not well percent-encoded.', options);
    case 'FST_ERR_MAX_PARAM_LENGTH': {
      const detail = `A part of the path has at most ${MAX_PARAMETER} characters.`;
      return new AppError('invalid', 'path_too_long', detail, options);
    }
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new AppError('invalid', 'bad_request', 'The request cannot be read.', options);
  }
  return toAppError(thrown);
}

/** What Node's HTTP parser or its clocks refused before there was a request to answer. */
export function asClientError(error: NodeJS.ErrnoException): AppError {
  const options = { cause: error };
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW': {
      const detail = 'The headers have more than 16 KiB.';
      return new AppError('invalid', 'headers_too_large', detail, options);
    }
    case 'ERR_HTTP_REQUEST_TIMEOUT': {
      const detail = 'The request did not arrive in time.';
      return new AppError('invalid', 'request_timeout', detail, options);
    }
    default:
      return new AppError('invalid', 'bad_request', 'This is not HTTP as RFC 9112 has it.', options);
  }
}
