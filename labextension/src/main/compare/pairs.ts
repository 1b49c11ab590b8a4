import type { Figure } from '../../api/types';

/** The same figure of several runs. */
export interface IPair {
  readonly key: string;
  readonly name: string;
  readonly step: string;
  /** In the order of the runs. */
  readonly figures: readonly (Figure | null)[];
  readonly differs: boolean;
}

/** Figures of several runs, matched by step, cell and number, or by name where they were logged with one. */
export function pairsOf(figures: Readonly<Record<string, readonly Figure[]>>, ids: readonly string[]): readonly IPair[] {
  const keys = new Map<string, Figure>();
  for (const id of ids) {
    (figures[id] ?? []).forEach(figure => keys.set(keyOf(figure), keys.get(keyOf(figure)) ?? figure));
  }
  return [...keys].map(([key, figure]) => {
    const found = ids.map(id => (figures[id] ?? []).find(one => keyOf(one) === key) ?? null);
    return {
      key,
      name: figure.name,
      step: figure.step,
      figures: found,
      differs: new Set(found.map(one => one?.digest ?? null)).size > 1
    };
  });
}

function keyOf(figure: Figure): string {
  return JSON.stringify(figure.cell ? [figure.step, figure.cell, figure.number] : [figure.step, figure.name]);
}
