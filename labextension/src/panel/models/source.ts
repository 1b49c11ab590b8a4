import type { RunDetail } from '../../api/types';

/** Suffixes of files that hold models, as the registry takes them. */
const MODEL_FILES = new Set(
  'bin cbm ckpt gguf h5 hdf5 joblib keras mlmodel model onnx pickle pkl pmml pt pth safetensors skops tflite ubj'.split(' ')
);
const DATA_MODULES = new Set(['matplotlib', 'numpy', 'pandas', 'plotly', 'polars', 'pyarrow']);
const DATA_TYPES = new Set(
  'NoneType bool bytearray bytes complex dict float frozenset int list range set slice str tuple module'.split(' ')
);

interface IMade {
  readonly kind: string;
  readonly type: string | null;
  readonly serializer?: string | null;
}

/**
 * Whether something that a run made may be a model. The registry decides; what is certainly data is not offered.
 *
 * @param name - the variable, or the file's path
 */
export function canBeModel(made: IMade, name: string): boolean {
  if (made.kind === 'file') {
    const suffix = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
    return MODEL_FILES.has(suffix) && made.serializer !== 'folder';
  }
  if (made.kind !== 'value') {
    return false;
  }
  const type = made.type ?? '';
  const top = type.split('.')[0] ?? '';
  return type.includes('.') ? !DATA_MODULES.has(top) && !type.startsWith('scipy.sparse.') : !DATA_TYPES.has(type);
}

/** How the registry is told what to register. */
export function sourceOf(run: string, step: string, name: string): string {
  return `${run}:${step}/${name}`;
}

/** Something of a run that can be registered. */
export interface ICandidate {
  readonly source: string;
  readonly name: string;
  readonly step: string;
  readonly type: string;
}

/** What a run made that can be a model; the last steps first, for that is where models are. */
export function candidatesOf(run: RunDetail): ICandidate[] {
  return [...run.steps]
    .reverse()
    .filter(step => step.status === 'succeeded' || step.status === 'reused')
    .flatMap(step =>
      step.outputs.flatMap(made =>
        made.names
          .filter(name => canBeModel(made, name))
          .map(name => ({ source: sourceOf(run.run_id, step.slug, name), name, step: step.name, type: made.type ?? '' }))
      )
    );
}

/** Why a model or an alias can't have a name; null if it can. */
export function nameProblem(name: string): 'empty' | 'character' | 'long' | null {
  if (!name.trim()) {
    return 'empty';
  }
  if (/[/\\@:\p{C}]/u.test(name)) {
    return 'character';
  }
  return name.length > 200 ? 'long' : null;
}
