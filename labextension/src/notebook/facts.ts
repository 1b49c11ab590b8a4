import type { Analysis } from '../api/types';

/** A problem of the notebook, as the analysis tells it. */
export interface IDiagnostic {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly cell: string | null;
  readonly line: number | null;
  readonly hint: string | null;
}

/** What the analysis says of a code cell. */
export interface ICellFacts {
  readonly name: string | null;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly mutates: readonly string[];
  readonly hidden: readonly string[];
  readonly diagnostics: readonly IDiagnostic[];
}

/** An analysis as far as the notebook shows it. */
export interface IFacts {
  readonly cells: ReadonlyMap<string, ICellFacts>;
  readonly diagnostics: readonly IDiagnostic[];
}

export const NO_FACTS: IFacts = { cells: new Map(), diagnostics: [] };

/** Read an analysis; whatever a server of another version leaves out is empty. */
export function factsOf(analysis: Analysis | null): IFacts {
  if (!analysis) {
    return NO_FACTS;
  }
  const found = analysis as unknown as {
    cells?: Readonly<Record<string, Partial<ICellFacts>>>;
    pipeline?: { diagnostics?: readonly IDiagnostic[] };
  };
  const cells = new Map(
    Object.entries(found.cells ?? {}).map(([id, said]) => [
      id,
      {
        name: said.name ?? null,
        inputs: said.inputs ?? [],
        outputs: said.outputs ?? [],
        mutates: said.mutates ?? [],
        hidden: said.hidden ?? [],
        diagnostics: said.diagnostics ?? []
      }
    ])
  );
  return { cells, diagnostics: found.pipeline?.diagnostics ?? [] };
}

/** What a person is told unasked: remarks explain an order that nobody may have wondered about. */
export function isProblem(diagnostic: IDiagnostic): boolean {
  return diagnostic.severity !== 'info';
}
