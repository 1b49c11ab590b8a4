import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client';

/** Says what would be here, and how to get it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }): JSX.Element {
  return (
    <div className="jp-mlops-Empty">
      <div className="jp-mlops-Empty-title">{title}</div>
      {children}
    </div>
  );
}

/** A refused request, where its result would have been. */
export function Problem({ error, onRetry, trans }: IProblemProps): JSX.Element {
  return (
    <div className="jp-mlops-Problem" role="alert">
      <div>{error.message}</div>
      {error instanceof ApiError && error.problem.hint ? <div>{error.problem.hint}</div> : null}
      {onRetry ? (
        <button className="jp-mlops-Button" onClick={onRetry}>
          {trans.__('Try again')}
        </button>
      ) : null}
    </div>
  );
}

interface IProblemProps {
  readonly error: Error;
  readonly onRetry?: () => void;
  readonly trans: TranslationBundle;
}

/** A titled part of a tab. */
export function Section({ title, children, actions }: ISectionProps): JSX.Element {
  return (
    <section className="jp-mlops-Section" aria-label={title}>
      <header className="jp-mlops-Section-header">
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}

interface ISectionProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

/** Tell of a failure in a notification, with its details behind a button. */
export function tell(error: unknown, trans: TranslationBundle): void {
  const known = error instanceof ApiError ? error.problem : null;
  const message = [error instanceof Error ? error.message : String(error), known?.hint].filter(Boolean).join(' ');
  const details = known?.details;
  const options = details
    ? {
        actions: [
          {
            label: trans.__('Show details'),
            callback: () => void Notification.info(details, { autoClose: false })
          }
        ],
        autoClose: false as const
      }
    : { autoClose: false as const };
  Notification.error(message, options);
}
