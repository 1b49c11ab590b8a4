/** Runs chosen in the table, in the order they were chosen. */
export type Selection = readonly string[];

/** Choose a run, or no longer. */
export function toggle(selection: Selection, id: string): Selection {
  return selection.includes(id) ? selection.filter(one => one !== id) : [...selection, id];
}

/** Choose all from one run to another, as they stand in the table. */
export function extend(selection: Selection, order: readonly string[], from: string, to: string): Selection {
  const [one, other] = [order.indexOf(from), order.indexOf(to)];
  if (one < 0 || other < 0) {
    return selection.includes(to) ? selection : [...selection, to];
  }
  const between = order.slice(Math.min(one, other), Math.max(one, other) + 1);
  return [...new Set([...selection, ...between])];
}
