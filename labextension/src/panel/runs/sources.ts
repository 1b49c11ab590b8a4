import type { RunArtifact, RunDetail } from '../../api/types';

/** Something of a run that can be registered. */
export interface ISource {
  /** As the server wants it: `RUN:STEP/NAME`. */
  readonly source: string;
  readonly label: string;
}

/** Types that are data, not models. */
const PLAIN = /^(builtins\.)?(int|float|str|bool|list|dict|tuple|set|NoneType)$|^numpy\.|^pandas\.|^polars\.|^pyarrow\./;

/** What of a run can be a model: what its steps made and is neither plain data nor a figure; the latest first, files last. */
export function sourcesOf(detail: Pick<RunDetail, 'run_id' | 'steps'>): readonly ISource[] {
  const found = detail.steps.flatMap((step, position) =>
    step.outputs.filter(canBeModel).flatMap(output =>
      output.names.map(name => ({
        source: `${detail.run_id}:${step.slug}/${name}`,
        label: [name, output.type?.split('.').pop(), step.name].filter(Boolean).join(' · '),
        isFile: output.kind === 'file',
        position
      }))
    )
  );
  found.sort((one, other) => Number(one.isFile) - Number(other.isFile) || other.position - one.position);
  return found.map(({ source, label }) => ({ source, label }));
}

function canBeModel(output: RunArtifact): boolean {
  return output.kind === 'file' || (output.kind === 'value' && !PLAIN.test(output.type ?? ''));
}
