import { editIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';
import { tell } from '../../common/parts';
import { useServices } from '../../common/services';

interface IProps {
  readonly model: string;
  /** Null for that of the model itself. */
  readonly version: number | null;
  readonly text: string | null;
  readonly path: string;
  readonly onChanged: () => void;
}

/** What somebody wrote about a model or a version; edited in its place. */
export function Description({ model, version, text, path, onChanged }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const [draft, setDraft] = useState<string | null>(null);
  const about = version === null ? trans.__('Describe the model') : trans.__('Describe version %1', version);
  const save = async (): Promise<void> => {
    const body = { description: draft?.trim() || null, ...(version === null ? {} : { version }) };
    try {
      await session.client.send('PATCH', `models/${encodeURIComponent(model)}?${new URLSearchParams({ path })}`, body);
      setDraft(null);
      onChanged();
    } catch (error) {
      tell(error, trans);
    }
  };
  if (draft === null) {
    return (
      <p className="jp-mlops-Description">
        {text ? <span>{text}</span> : null}
        <button className="jp-mlops-LinkButton" aria-label={about} title={about} onClick={() => setDraft(text ?? '')}>
          {text ? <editIcon.react tag="span" width="12px" height="12px" /> : about}
        </button>
      </p>
    );
  }
  return (
    <form
      className="jp-mlops-Description"
      onSubmit={event => {
        event.preventDefault();
        void save();
      }}
    >
      <textarea
        className="jp-mlops-Input"
        aria-label={about}
        rows={2}
        autoFocus
        value={draft}
        onChange={event => setDraft(event.target.value)}
        onKeyDown={event => event.key === 'Escape' && setDraft(null)}
      />
      <button className="jp-mlops-Button">{trans.__('Save')}</button>
      <button type="button" className="jp-mlops-Button" onClick={() => setDraft(null)}>
        {trans.__('Cancel')}
      </button>
    </form>
  );
}
