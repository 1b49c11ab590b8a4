import { JSONExt, type JSONObject } from '@lumino/coreutils';
import { SHARED, stepColour } from '../colours';
import type { Diagnostic } from '../api/types';
import { isProblem, type IFacts } from './facts';
import { inShort } from './settings';
import { boundaryRange, kindOf, place, stepNames, type ICell, type IPlace } from './steps';
import { readTags, type Kind } from './tags';

/** What is shown at a code cell. */
export interface IMark {
  readonly kind: Kind;
  /** Name of the step; empty for what is in none. */
  readonly step: string;
  readonly colour: string;
  readonly isFirst: boolean;
  readonly isMetrics: boolean;
  /** Whether the boundary above can be moved. */
  readonly isMovable: boolean;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly mutates: readonly string[];
  readonly hidden: readonly string[];
  readonly after: readonly string[];
  readonly settings: readonly string[];
  readonly problems: readonly Diagnostic[];
  /** Why these tags are proposed; null for what the notebook says itself. */
  readonly proposal: string | null;
}

/** Proposed tags of one cell. */
export interface IProposal {
  readonly add: readonly string[];
  readonly reason: string;
}

export type Proposals = ReadonlyMap<string, IProposal>;

const NOTHING: readonly string[] = [];

/** What is shown at each cell, by position; null where there is nothing to show. */
export function marksOf(cells: readonly ICell[], facts: IFacts, proposals: Proposals | null): (IMark | null)[] {
  const seen = proposals ? cells.map(cell => proposed(cell, proposals)) : cells;
  const places = place(seen);
  const positions = new Map(stepNames(places).map((name, at) => [name, at]));
  return seen.map((cell, at) => {
    const where = places[at]!;
    const kind = kindOf(where);
    if (kind === null) {
      return null;
    }
    return mark(cell, at, where, places, positions, facts, kind, proposals);
  });
}

function mark(
  cell: ICell,
  at: number,
  where: IPlace,
  places: readonly IPlace[],
  positions: ReadonlyMap<string, number>,
  facts: IFacts,
  kind: Kind,
  proposals: Proposals | null
): IMark {
  const said = facts.cells.get(cell.id);
  // while the cells are ahead of the analysis, what it says of a step is only shown where the step is the same
  const isCurrent = said !== undefined && where.step !== null && (said.name === where.step || where.isMetrics);
  const proposal = proposals?.get(cell.id);
  return {
    kind,
    step: (where.isMetrics && said?.name) || (where.step ?? ''),
    colour: where.step === null ? SHARED : stepColour(positions.get(where.step) ?? -1),
    isFirst: where.isFirst,
    isMetrics: where.isMetrics || (where.role === 'step' && readTags(cell.tags).metrics),
    isMovable: proposals === null && boundaryRange(places, at) !== null,
    inputs: isCurrent ? said.inputs : NOTHING,
    outputs: isCurrent ? said.outputs : NOTHING,
    mutates: isCurrent ? said.mutates : NOTHING,
    hidden: isCurrent ? said.hidden : NOTHING,
    after: where.isFirst ? readTags(cell.tags).after : NOTHING,
    settings: where.isFirst ? inShort(cell.settings) : NOTHING,
    problems: (said?.diagnostics ?? []).filter(isProblem),
    proposal: proposal && proposal.add.length > 0 ? proposal.reason : null
  };
}

function proposed(cell: ICell, proposals: Proposals): ICell {
  const add = proposals.get(cell.id)?.add ?? [];
  return add.length > 0 ? { ...cell, tags: [...cell.tags, ...add] } : cell;
}

/** Whether two marks show the same, so that the screen needs no change. */
export function isSame(one: IMark | null, other: IMark | null): boolean {
  return JSONExt.deepEqual(one as unknown as JSONObject, other as unknown as JSONObject);
}

/** Whether a notebook says anything of a pipeline; bars in one that doesn't would only be in the way. */
export function isTagged(cells: readonly ICell[]): boolean {
  return cells.some(cell => cell.isCode && (readTags(cell.tags).isOurs || cell.settings !== null));
}

/** How many steps there are, and how many problems. */
export function summaryOf(
  cells: readonly ICell[],
  facts: IFacts
): { readonly steps: number; readonly errors: number; readonly warnings: number } {
  const problems = facts.diagnostics.filter(isProblem);
  const errors = problems.filter(problem => problem.severity === 'error').length;
  return { steps: stepNames(place(cells)).length, errors, warnings: problems.length - errors };
}
