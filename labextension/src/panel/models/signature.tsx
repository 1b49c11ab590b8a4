import type { ModelDetails } from '../../api/types';
import { useServices } from '../../common/services';

const SHOWN = 40;

/** What a model takes and says. */
export function SignatureTable({ signature }: { readonly signature: ModelDetails['signature'] }): JSX.Element | null {
  const { trans } = useServices();
  if (!signature || (signature.inputs.length === 0 && signature.features === null)) {
    return null;
  }
  const count = signature.inputs.length || (signature.features ?? 0);
  return (
    <details className="jp-mlops-Signature">
      <summary>{trans._n('Takes %1 column', 'Takes %1 columns', count)}</summary>
      <table className="jp-mlops-Metrics" aria-label={trans.__('Signature')}>
        <tbody>
          {signature.inputs.slice(0, SHOWN).map(one => (
            <tr key={one.name}>
              <th scope="row">{one.name}</th>
              <td>{one.dtype}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {signature.inputs.length > SHOWN ? (
        <p className="jp-mlops-Hint">{trans.__('%1 more', signature.inputs.length - SHOWN)}</p>
      ) : null}
      {signature.classes && signature.classes.length > 0 ? (
        <p className="jp-mlops-Hint">{trans.__('Classes: %1', signature.classes.map(String).join(', '))}</p>
      ) : null}
    </details>
  );
}
