import type { JSONObject } from '@lumino/coreutils';
import { isInjected, readTags, type Kind, type Role } from './tags';

/** A cell as far as its place in the pipeline depends on it. */
export interface ICell {
  readonly id: string;
  readonly isCode: boolean;
  readonly tags: readonly string[];
  /** Its `metadata.mlops`. */
  readonly settings: JSONObject | null;
  /** Whether it has nothing but comments and blank lines. */
  readonly isEmpty: boolean;
}

/** Where a cell belongs. */
export interface IPlace {
  readonly role: Role | 'text';
  /** Name of its step; null for what is in none. */
  readonly step: string | null;
  /** Whether its own tags say so. */
  readonly isTagged: boolean;
  /** Whether it is the first cell of its step. */
  readonly isFirst: boolean;
  /** Whether it stands alone as a step because it is tagged `metrics` and names none. */
  readonly isMetrics: boolean;
}

/** The step of code before the first step. */
export const START = 'start';

/** Put every cell where the tags say it belongs, as the analysis does. */
export function place(cells: readonly ICell[]): IPlace[] {
  const seen = new Set<string>();
  let current: string | null = null;
  let hasParameters = false;
  const named = new Set(cells.filter(cell => cell.isCode).map(cell => readTags(cell.tags).step));
  const inStep = (step: string, isTagged: boolean, isMetrics = false): IPlace => {
    const isFirst = !seen.has(step);
    seen.add(step);
    return { role: 'step', step, isTagged, isFirst, isMetrics };
  };
  return cells.map((cell): IPlace => {
    if (!cell.isCode) {
      return outside('text');
    }
    const said = readTags(cell.tags);
    if (said.role === 'parameters') {
      const counts = isInjected(cell.tags) || !hasParameters;
      hasParameters ||= !isInjected(cell.tags);
      if (counts) {
        return outside('parameters');
      }
    } else if (said.role !== 'step' && said.role !== 'none') {
      return outside(said.role);
    }
    if (said.step !== null) {
      current = said.step;
      return inStep(current, true);
    }
    if (said.metrics) {
      return inStep(unused('metrics', name => seen.has(name) || named.has(name)), true, true);
    }
    if (current === null && cell.isEmpty) {
      return outside('none');
    }
    return inStep(current ?? START, false);
  });
}

function outside(role: Role | 'text'): IPlace {
  return { role, step: null, isTagged: role !== 'none' && role !== 'text', isFirst: false, isMetrics: false };
}

function unused(name: string, isTaken: (name: string) => boolean): string {
  let candidate = name;
  for (let number = 2; isTaken(candidate); number++) {
    candidate = `${name} ${number}`;
  }
  return candidate;
}

/** The names of the steps, in the order of their first cells. */
export function stepNames(places: readonly IPlace[]): string[] {
  return places.filter(where => where.isFirst && where.step !== null).map(where => where.step!);
}

/** The positions of the cells of a step. */
export function membersOf(places: readonly IPlace[], step: string): number[] {
  return places.flatMap((where, at) => (where.step === step ? [at] : []));
}

/** What a place is called where a person chooses it. */
export function kindOf(where: IPlace): Kind | null {
  switch (where.role) {
    case 'text':
      return null;
    case 'none':
      return 'above';
    case 'step':
      return where.isMetrics ? 'metrics' : where.isTagged ? 'step' : 'above';
    default:
      return where.role;
  }
}

/** The positions that the boundary above the first cell of a step can be moved to; null where it can't be moved. */
export function boundaryRange(places: readonly IPlace[], at: number): readonly [number, number] | null {
  const where = places[at];
  if (!where?.isFirst || !where.isTagged || where.isMetrics || where.step === null) {
    return null;
  }
  const own = membersOf(places, where.step);
  const above = stepAbove(places, at);
  const others = above === null ? [] : membersOf(places, above).filter(position => position < at);
  // what stands before the first step is a step by default only, and may vanish
  const lowest = others[others.length > 0 && !places[others[0]!]!.isTagged ? 0 : 1] ?? at;
  const highest = own[own.length - 1] ?? at;
  return lowest === highest ? null : [lowest, highest];
}

/** The step that an untagged cell at a position would belong to. */
export function stepAbove(places: readonly IPlace[], at: number): string | null {
  for (let position = at - 1; position >= 0; position--) {
    const where = places[position]!;
    if (where.step !== null && !where.isMetrics) {
      return where.step;
    }
  }
  return null;
}
