/** What the API says went wrong, as RFC 9457 has it. */
export interface Problem {
  readonly status: number;
  /** Stable: what a program goes by. */
  readonly code: string;
  /** For people: what, where, and what to do. */
  readonly detail: string;
  readonly errors?: readonly {
    readonly detail: string;
    readonly pointer?: string;
    readonly parameter?: string;
  }[];
}

/** A request that was refused or failed. `status` is 0 when no answer came. */
export class QuartermasterError extends Error {
  override readonly name = 'QuartermasterError';
  readonly status: number;
  readonly code: string;
  readonly problem: Problem | undefined;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.status = problem.status;
    this.code = problem.code;
    this.problem = problem;
  }
}
