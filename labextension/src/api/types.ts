/** The forms of the API, by the names that the panel uses. */
export interface Analysis {
  readonly revision?: string | number;
}

export interface Job {
  readonly id: string;
  readonly path: string;
  readonly created: string;
}

export interface JobRequest {
  readonly kind: 'run' | 'verify' | 'submit';
  readonly path: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly runtime: string;
}
