/** What the table shows: which runs, in which order. */
export interface IRunsQuery {
  readonly path: string;
  readonly filter: string;
  readonly sort: readonly ISort[];
  /** Only runs of the notebook at `path`. */
  readonly onlyNotebook: boolean;
}

export interface ISort {
  /** A column's id, which is a name of the filter language. */
  readonly id: string;
  readonly desc: boolean;
}

/** A name as the language of filters and orders has it: odd ones stand in backticks. */
export function nameOf(kind: 'metrics' | 'params' | 'tags', name: string): string {
  return /^[A-Za-z0-9_.\-/]+$/.test(name) ? `${kind}.${name}` : `${kind}.\`${name.replace(/`/g, '``')}\``;
}

/** The server's `sort`, first counts most. */
export function ordersOf(sort: readonly ISort[]): string[] {
  return sort.map(one => (one.desc ? `${one.id} desc` : one.id));
}

/** A filter's error apart: what is wrong, and where. */
export interface IFilterProblem {
  readonly message: string;
  /** The filter with a caret below the place; empty where there is none. */
  readonly pointed: string;
  /** From 0; null where the server names none. */
  readonly position: number | null;
}

/** Take apart the message of a refused filter. */
export function filterProblem(message: string): IFilterProblem {
  const [first = '', ...rest] = message.split('\n');
  const found = /\(in the [^()]*, character (\d+)\)/.exec(first);
  return {
    message: found ? first.replace(/ \(in the [^()]*, character \d+\)/, '') : first,
    pointed: rest.join('\n').replace(/\s+$/, ''),
    position: found ? Number(found[1]) - 1 : null
  };
}

/** The next order after a click on a column: down, up, none for numbers and times; up, down, none for texts. */
export function nextSort(sort: readonly ISort[], id: string, downFirst: boolean, add: boolean): readonly ISort[] {
  const now = sort.find(one => one.id === id);
  const others = add ? sort.filter(one => one.id !== id) : [];
  if (!now) {
    return [...others, { id, desc: downFirst }];
  }
  return now.desc === downFirst ? [...others, { id, desc: !downFirst }] : others;
}
