import type { Analysis, Run, RunMarks } from '../../api/types';

/** A row of the table. */
export type Row = IRunRow | IWorkspaceRow | IWaitingRow;

export interface IRunRow {
  readonly kind: 'run';
  readonly key: string;
  readonly run: Run;
  readonly marks: RunMarks | undefined;
}

/** The notebook as it is now. */
export interface IWorkspaceRow {
  readonly kind: 'workspace';
  readonly key: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Names of parameters with another value than the notebook's. */
  readonly edited: readonly string[];
  readonly isDirty: boolean;
}

/** A run that is still to come from the server. */
export interface IWaitingRow {
  readonly kind: 'waiting';
  readonly key: string;
}

/** The row of the notebook as it is now; null where none is open. */
export function workspaceRow(
  analysis: Pick<Analysis, 'pipeline'> | null,
  chosen: Readonly<Record<string, unknown>>,
  isDirty: boolean
): IWorkspaceRow | null {
  if (!analysis) {
    return null;
  }
  const own = Object.fromEntries(analysis.pipeline.parameters.map(one => [one.name, one.default]));
  const edited = Object.keys(chosen).filter(name => name in own && !isSame(chosen[name], own[name]));
  const values = { ...own, ...Object.fromEntries(edited.map(name => [name, chosen[name]])) };
  return { kind: 'workspace', key: 'workspace', values, edited, isDirty };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
