/** What the person's own machine takes for now: good for which day is offered first, and for nothing that is booked. */
export function now(): Date {
  return new Date();
}
