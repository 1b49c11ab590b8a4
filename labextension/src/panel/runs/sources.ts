import type { RunDetail } from '../../api/types';

/** Something of a run that can be registered. */
export interface ISource {
  /** As the server wants it: `RUN:STEP/NAME`. */
  readonly source: string;
  readonly label: string;
}

/** Types that are hardly ever meant. */
const PLAIN = /^(builtins\.)?(int|float|str|bool|list|dict|tuple|set|NoneType)$|^numpy\.|^pandas\.|^polars\.|^pyarrow\./;

/** What the steps of a run made, the likely ones first: what comes late and is no plain data. */
export function sourcesOf(detail: Pick<RunDetail, 'run_id' | 'steps'>): readonly ISource[] {
  const found = detail.steps.flatMap((step, position) =>
    step.outputs.flatMap(output =>
      output.names.map(name => ({
        source: `${detail.run_id}:${step.slug}/${name}`,
        label: [name, output.type?.split('.').pop(), step.name].filter(Boolean).join(' · '),
        isPlain: output.kind !== 'value' || PLAIN.test(output.type ?? ''),
        position
      }))
    )
  );
  found.sort((one, other) => Number(one.isPlain) - Number(other.isPlain) || other.position - one.position);
  return found.map(({ source, label }) => ({ source, label }));
}
