import type { Thresholds } from './panel.ts';

// The limits of the alerts, which a test compares: amber where a warning fires, red where somebody is woken.

export const horizonDays: Thresholds = ['red', ['orange', 89], ['green', 180]];

/** Of what must be nothing at all. */
export const woken: Thresholds = ['green', ['red', 1]];
export const warned: Thresholds = ['green', ['orange', 1]];
export const told: Thresholds = ['green', ['yellow', 1]];

/** Of what there must be one of at least. */
export const some: Thresholds = ['red', ['green', 1]];

export const errorShare: Thresholds = ['green', ['red', 0.05]];
export const slowSeconds: Thresholds = ['green', ['orange', 2.5]];
export const queueShare: Thresholds = ['green', ['orange', 0.8]];
export const serverShare: Thresholds = ['green', ['orange', 0.9]];
export const figuresAgeSeconds: Thresholds = ['green', ['orange', 600]];
export const jobsWaitingSeconds: Thresholds = ['green', ['orange', 1800]];
export const silence: Thresholds = ['green', ['orange', 1]];
export const blockedSeconds: Thresholds = ['green', ['orange', 600]];
export const detachPendingSeconds: Thresholds = ['green', ['orange', 900]];
export const overdueDays: Thresholds = ['green', ['orange', 3]];
export const fixityDays: Thresholds = ['green', ['orange', 97]];
export const summariesSeconds: Thresholds = ['green', ['orange', 900]];
export const indexBytes: Thresholds = ['green', ['yellow', 1_073_741_824]];
export const hotRatio: Thresholds = ['yellow', ['green', 0.9]];
/** Of the age at which the server forces a vacuum. */
export const freezeShare: Thresholds = ['green', ['orange', 1.1]];
export const freezeTransactions: Thresholds = ['green', ['red', 1_500_000_000]];

/** Nothing to be judged. */
export const plain: Thresholds = ['text'];
