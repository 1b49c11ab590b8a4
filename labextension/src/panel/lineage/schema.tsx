import { useServices } from '../../common/services';

const SHOWN = 30;

/** What is on record of a value's form: columns of a frame, dtype and shape of an array, options of an estimator. */
export function Schema({ schema }: { readonly schema: object | null }): JSX.Element | null {
  const { trans } = useServices();
  const found = schemaOf(schema);
  if (!found) {
    return null;
  }
  if (found.kind === 'array') {
    return <p className="jp-mlops-Hint">{[found.dtype, found.shape.join(' × ')].filter(Boolean).join(' · ')}</p>;
  }
  const more = found.more + Math.max(0, found.rows.length - SHOWN);
  const title = found.kind === 'frame' ? trans.__('Columns') : trans.__('Options');
  return (
    <details open={found.rows.length <= 12}>
      <summary>
        {title} · {found.rows.length + found.more}
      </summary>
      <table className="jp-mlops-Metrics" aria-label={title}>
        <tbody>
          {found.rows.slice(0, SHOWN).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 ? <p className="jp-mlops-Hint">{trans.__('%1 more', more)}</p> : null}
    </details>
  );
}

type Known =
  | { readonly kind: 'frame' | 'estimator'; readonly rows: readonly (readonly [string, string])[]; readonly more: number }
  | { readonly kind: 'array'; readonly dtype: string; readonly shape: readonly number[] };

/** Understand a recorded schema; null if there is nothing in it to show. */
export function schemaOf(schema: object | null): Known | null {
  const { columns, more_columns, dtype, shape, estimator } = (schema ?? {}) as Record<string, unknown>;
  if (isObject(columns)) {
    const rows = Object.entries(columns).map(([name, kind]) => [name, String(kind)] as const);
    return { kind: 'frame', rows, more: typeof more_columns === 'number' ? more_columns : 0 };
  }
  if (isObject(estimator) && isObject(estimator['parameters'])) {
    const rows = Object.entries(estimator['parameters']).map(([name, value]) => [name, asText(value)] as const);
    return { kind: 'estimator', rows, more: 0 };
  }
  if (Array.isArray(shape)) {
    return { kind: 'array', dtype: typeof dtype === 'string' ? dtype : '', shape: shape.map(Number) };
  }
  return null;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
