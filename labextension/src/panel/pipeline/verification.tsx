import type { Analysis, Verification } from '../../api/types';
import { useServices } from '../../common/services';
import { CellLink } from './links';
import { duration } from './states';

interface IProps {
  readonly verification: Verification;
  readonly analysis: Analysis;
}

/** Whether the steps give what the whole notebook gives, and where not. */
export function Answer({ verification, analysis }: IProps): JSX.Element {
  const { trans } = useServices();
  const { equal, whole, steps, differences, unstable, undeclared, seconds } = verification;
  const compared = steps.reduce((sum, step) => sum + step.compared, 0);
  if (whole.status === 'failed') {
    return (
      <div className="jp-mlops-Banner jp-mod-error" role="alert">
        <div className="jp-mlops-Banner-title">
          {trans.__('The notebook fails when it is run from top to bottom, so there is nothing to compare.')}
        </div>
        <div>{whole.error?.message}</div>
        <CellLink cell={whole.error?.cell ?? null} line={whole.error?.line ?? null} analysis={analysis} />
      </div>
    );
  }
  return (
    <>
      <div className={`jp-mlops-Banner jp-mod-${equal ? 'good' : 'error'}`} role="status">
        <div className="jp-mlops-Banner-title">
          {equal
            ? trans.__('The steps give what the whole notebook gives.')
            : trans.__('The steps don’t give what the whole notebook gives.')}
        </div>
        {trans.__('%1 values compared in %2.', compared, duration(seconds))}
      </div>
      <ul className="jp-mlops-Diagnostics">
        {differences.map((one, at) => (
          <li key={at} className="jp-mlops-Diagnostic jp-mod-error">
            <span className="jp-mlops-Diagnostic-sign" role="img" aria-label={trans.__('Difference')}>
              ≠
            </span>
            <div className="jp-mlops-Diagnostic-text">
              <CellLink cell={one.cell} line={one.line} analysis={analysis} /> <b>{one.name}</b>
              <div>{one.message}</div>
              <div className="jp-mlops-Dim">{one.hint}</div>
              <dl className="jp-mlops-Pairs">
                <dt>{trans.__('whole')}</dt>
                <dd>{one.whole ?? trans.__('nothing')}</dd>
                <dt>{trans.__('steps')}</dt>
                <dd>{one.pipeline ?? trans.__('nothing')}</dd>
              </dl>
            </div>
          </li>
        ))}
        {unstable.map((one, at) => (
          <li key={`u${at}`} className="jp-mlops-Diagnostic jp-mod-info">
            <span className="jp-mlops-Diagnostic-sign" role="img" aria-label={trans.__('Note')}>
              ℹ
            </span>
            <div className="jp-mlops-Diagnostic-text">
              <CellLink cell={one.cell} line={null} analysis={analysis} />{' '}
              {trans.__('%1 varies from one run of the whole notebook to the next.', one.name)}
            </div>
          </li>
        ))}
        {undeclared.map((one, at) => (
          <li key={`d${at}`} className="jp-mlops-Diagnostic jp-mod-warning">
            <span className="jp-mlops-Diagnostic-sign" role="img" aria-label={trans.__('Warning')}>
              ▲
            </span>
            <div className="jp-mlops-Diagnostic-text">
              <CellLink cell={one.cell} line={one.line} analysis={analysis} />{' '}
              {trans.__('The analysis did not know of this: %1 (%2).', one.name, one.kind)}
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
