import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { ISort } from './query';

/** What a person has chosen in the table of runs. */
export interface IChoice {
  readonly filter: string;
  readonly sort: readonly ISort[];
  /** Ids in their order; null is what is usual. */
  readonly columns: readonly string[] | null;
  /** Ids of columns that stay when the table is scrolled sideways. */
  readonly pinned: readonly string[];
  readonly widths: Readonly<Record<string, number>>;
  readonly onlyNotebook: boolean;
}

const KEY = 'jupyter-mlops:runs';

export const NOTHING_CHOSEN: IChoice = {
  filter: '',
  sort: [],
  columns: null,
  pinned: [],
  widths: {},
  onlyNotebook: false
};

/** What was chosen before; whatever is not of the right form is as if it had not been. */
export async function loadChoice(state: IStateDB | null): Promise<IChoice> {
  return choiceOf(await state?.fetch(KEY).catch(() => undefined));
}

export async function saveChoice(state: IStateDB | null, choice: IChoice): Promise<void> {
  await state?.save(KEY, choice as unknown as ReadonlyPartialJSONObject);
}

export function choiceOf(found: unknown): IChoice {
  const known = (typeof found === 'object' && found !== null ? found : {}) as Record<string, unknown>;
  const sort = Array.isArray(known['sort']) ? (known['sort'] as unknown[]).filter(isSort) : [];
  return {
    filter: typeof known['filter'] === 'string' ? known['filter'] : '',
    sort,
    columns: Array.isArray(known['columns']) ? texts(known['columns']) : null,
    pinned: texts(known['pinned']),
    widths: numbers(known['widths']),
    onlyNotebook: known['onlyNotebook'] === true
  };
}

function isSort(found: unknown): found is ISort {
  const one = found as ISort | null;
  return typeof one === 'object' && one !== null && typeof one.id === 'string' && typeof one.desc === 'boolean';
}

function texts(found: unknown): readonly string[] {
  return Array.isArray(found) ? (found as unknown[]).filter((one): one is string => typeof one === 'string') : [];
}

function numbers(found: unknown): Readonly<Record<string, number>> {
  const pairs = Object.entries(typeof found === 'object' && found !== null ? found : {}) as [string, unknown][];
  return Object.fromEntries(pairs.filter((pair): pair is [string, number] => typeof pair[1] === 'number' && pair[1] > 0));
}
