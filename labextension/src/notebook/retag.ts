import { JSONExt, type JSONObject } from '@lumino/coreutils';
import { boundaryRange, membersOf, place, stepAbove, stepNames, type ICell, type IPlace } from './steps';
import { readTags, withoutTags, type Kind } from './tags';

/** What is to change in one cell: its tags, its settings (null: it is to have none), or both. */
export interface IEdit {
  readonly tags?: readonly string[];
  readonly settings?: JSONObject | null;
}

/** Changes by the cell's position. */
export type Edits = ReadonlyMap<number, IEdit>;

interface IDraftCell extends ICell {
  tags: string[];
  settings: JSONObject | null;
}

/** Cells that are being changed, and how they differ from what they were. */
class Draft {
  constructor(private readonly before: readonly ICell[]) {
    this.cells = before.map(cell => ({ ...cell, tags: [...cell.tags], settings: cell.settings }));
  }

  readonly cells: IDraftCell[];

  places(): IPlace[] {
    return place(this.cells);
  }

  at(position: number): IDraftCell {
    return this.cells[position]!;
  }

  edits(): Edits {
    const found = new Map<number, IEdit>();
    this.cells.forEach((cell, position) => {
      const old = this.before[position]!;
      const edit: { tags?: readonly string[]; settings?: JSONObject | null } = {};
      if (cell.tags.length !== old.tags.length || cell.tags.some((tag, at) => tag !== old.tags[at])) {
        edit.tags = cell.tags;
      }
      if (!JSONExt.deepEqual(cell.settings, old.settings)) {
        edit.settings = cell.settings;
      }
      if (edit.tags || edit.settings !== undefined) {
        found.set(position, edit);
      }
    });
    return found;
  }

  /**
   * Before cells leave their steps: what a step's first cell says of it passes to the first cell that stays, so that no
   * other cell changes its step.
   */
  handOver(leaving: ReadonlySet<number>): void {
    const places = this.places();
    for (const step of stepNames(places)) {
      const members = membersOf(places, step);
      const first = members[0]!;
      const heir = members.find(position => !leaving.has(position));
      if (!leaving.has(first) || !places[first]!.isTagged || places[first]!.isMetrics || heir === undefined) {
        continue;
      }
      this.pass(first, heir, step);
    }
  }

  /** What one cell says of its step is from now on said by another one. */
  pass(from: number, to: number, step: string): void {
    const [old, heir] = [this.at(from), this.at(to)];
    const after = old.tags.filter(tag => readTags([tag]).after.length > 0 && !heir.tags.includes(tag));
    heir.tags = [`step:${step}`, ...withoutTags(heir.tags, 'step'), ...after];
    if (old.settings) {
      heir.settings = { ...old.settings, ...heir.settings };
    }
    old.tags = withoutTags(old.tags, 'step', 'after');
    old.settings = null;
  }
}

function codeCells(cells: readonly ICell[], chosen: readonly number[]): number[] {
  return [...new Set(chosen)].filter(position => cells[position]?.isCode).sort((one, other) => one - other);
}

/** Make cells something else than the cells of a named step; the other cells stay in their steps. */
export function setKind(cells: readonly ICell[], chosen: readonly number[], kind: Exclude<Kind, 'step'>): Edits {
  const positions = codeCells(cells, chosen);
  const draft = new Draft(cells);
  draft.handOver(new Set(positions));
  for (const position of positions) {
    const cell = draft.at(position);
    if (kind === 'above') {
      cell.tags = withoutTags(cell.tags, 'role', 'step', 'after', 'metrics');
      cell.settings = null;
    } else if (kind === 'metrics') {
      cell.tags = ['metrics', ...withoutTags(cell.tags, 'role', 'step', 'after', 'metrics')];
    } else {
      cell.tags = [kind, ...withoutTags(cell.tags, 'role', 'step', 'after', 'metrics', 'declared')];
      cell.settings = null;
    }
  }
  return draft.edits();
}

/**
 * Put cells into a step. The first cell of a step, alone, and a name that no step has: the step is renamed, wherever it
 * is named. Otherwise the cells join the step or begin it, and what is left of the steps they came from stays.
 */
export function setStep(cells: readonly ICell[], chosen: readonly number[], name: string): Edits {
  const positions = codeCells(cells, chosen);
  const wanted = name.trim();
  const places = place(cells);
  const draft = new Draft(cells);
  const renamed = renamedStep(places, positions, wanted);
  if (renamed !== null) {
    rename(draft, renamed, wanted);
  } else {
    draft.handOver(new Set(positions.filter(position => places[position]!.step !== wanted)));
  }
  for (const position of positions) {
    const cell = draft.at(position);
    const stays = places[position]!.step === wanted || renamed !== null;
    const isOwnMetrics = places[position]!.isMetrics;
    if (!stays) {
      cell.tags = withoutTags(cell.tags, 'role', 'step', 'after');
      cell.settings = isOwnMetrics ? cell.settings : null;
    }
    if (draft.places()[position]!.step !== wanted) {
      cell.tags = [`step:${wanted}`, ...withoutTags(cell.tags, 'role', 'step')];
    }
  }
  return draft.edits();
}

function renamedStep(places: readonly IPlace[], positions: readonly number[], wanted: string): string | null {
  const where = places[positions[0] ?? -1];
  if (!where?.isFirst || !where.isTagged || where.isMetrics || where.step === null || where.step === wanted) {
    return null;
  }
  const isWhole = membersOf(places, where.step).every(position => positions.includes(position));
  const isOwn = positions.every(position => places[position]!.step === where.step);
  const isNew = !stepNames(places).includes(wanted);
  return isNew && isOwn && (positions.length === 1 || isWhole) ? where.step : null;
}

function rename(draft: Draft, old: string, name: string): void {
  for (const cell of draft.cells) {
    cell.tags = cell.tags.map(tag => {
      const said = readTags([tag]);
      if (said.step === old) {
        return `step:${name}`;
      }
      return said.after[0] === old ? `after:${name}` : tag;
    });
  }
}

/** Move the boundary above the first cell of a step, so that the step begins at another cell. */
export function moveBoundary(cells: readonly ICell[], at: number, to: number): Edits {
  const places = place(cells);
  const range = boundaryRange(places, at);
  const step = places[at]?.step ?? null;
  const draft = new Draft(cells);
  if (!range || step === null || to === at || to < range[0] || to > range[1]) {
    return draft.edits();
  }
  if (to > at) {
    const leaving = membersOf(places, step).filter(position => position < to);
    draft.handOver(new Set(leaving));
    leaving.forEach(position => {
      draft.at(position).tags = withoutTags(draft.at(position).tags, 'step');
    });
  } else {
    const above = stepAbove(places, at);
    const joining = above === null ? [] : membersOf(places, above).filter(position => position >= to && position < at);
    const first = joining[0];
    if (first === undefined) {
      return draft.edits();
    }
    joining.forEach(position => {
      draft.at(position).tags = withoutTags(draft.at(position).tags, 'step');
    });
    draft.pass(at, first, step);
  }
  return draft.edits();
}

/** Say which steps the step of a cell waits for. */
export function setAfter(cells: readonly ICell[], at: number, names: readonly string[]): Edits {
  const draft = new Draft(cells);
  const members = stepMembers(cells, at);
  members.forEach((position, order) => {
    const cell = draft.at(position);
    cell.tags = withoutTags(cell.tags, 'after');
    if (order === 0) {
      cell.tags.push(...[...new Set(names)].map(name => `after:${name}`));
    }
  });
  return draft.edits();
}

/** Whether the numbers bound in a cell of a step are metrics. */
export function setMetrics(cells: readonly ICell[], at: number, metrics: boolean): Edits {
  const draft = new Draft(cells);
  const cell = draft.at(at);
  cell.tags = withoutTags(cell.tags, 'metrics');
  if (metrics) {
    cell.tags.push('metrics');
    const step = place(cells)[at]?.step;
    // an untagged cell that says `metrics` alone would leave its step
    if (step != null && !readTags(cell.tags).step) {
      cell.tags.unshift(`step:${step}`);
    }
  }
  return draft.edits();
}

/** Give the step of a cell its settings; they stand at its first cell. */
export function setSettings(cells: readonly ICell[], at: number, settings: JSONObject | null): Edits {
  const draft = new Draft(cells);
  draft.at(stepMembers(cells, at)[0] ?? at).settings = settings;
  return draft.edits();
}

/** Add proposed tags to cells, by their id. */
export function addTags(cells: readonly ICell[], tags: ReadonlyMap<string, readonly string[]>): Edits {
  const draft = new Draft(cells);
  for (const cell of draft.cells) {
    cell.tags.push(...(tags.get(cell.id) ?? []).filter(tag => !cell.tags.includes(tag)));
  }
  return draft.edits();
}

/** The positions of the cells of the step that a cell belongs to. */
export function stepMembers(cells: readonly ICell[], at: number): number[] {
  const places = place(cells);
  const step = places[at]?.step;
  return step == null ? [] : membersOf(places, step);
}
