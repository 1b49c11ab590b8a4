import type { Analysis, CellAnalysis, Diagnostic } from '../api/types';

/** An analysis as far as the notebook shows it. */
export interface IFacts {
  readonly cells: ReadonlyMap<string, CellAnalysis>;
  readonly diagnostics: readonly Diagnostic[];
}

export const NO_FACTS: IFacts = { cells: new Map(), diagnostics: [] };

/** Read an analysis. */
export function factsOf(analysis: Analysis | null): IFacts {
  if (!analysis) {
    return NO_FACTS;
  }
  return { cells: new Map(Object.entries(analysis.cells)), diagnostics: analysis.pipeline.diagnostics };
}

/** What a person is told unasked: remarks explain an order that nobody may have wondered about. */
export function isProblem(diagnostic: Diagnostic): boolean {
  return diagnostic.severity !== 'info';
}
