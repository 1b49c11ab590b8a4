import { addIcon, closeIcon } from '@jupyterlab/ui-components';
import { Notification } from '@jupyterlab/apputils';
import { useState } from 'react';
import type { ModelAliased, ModelVersion } from '../../api/types';
import { tell } from '../../common/parts';
import { useServices } from '../../common/services';

/** Aliases of a model with the versions that they stand for. */
export function Chips({ aliases }: { readonly aliases: Readonly<Record<string, number>> }): JSX.Element {
  return (
    <>
      {Object.entries(aliases).map(([alias, version]) => (
        <span key={alias} className={`jp-mlops-Chip${isLive(alias) ? ' jp-mod-live' : ''}`}>
          {alias} {version}
        </span>
      ))}
    </>
  );
}

interface IProps {
  readonly shown: ModelVersion;
  readonly path: string;
  readonly onChanged: () => void;
}

/** The aliases of a version; each can be taken away, and others added or moved here. */
export function Aliases({ shown, path, onChanged }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const [isAdding, setAdding] = useState(false);
  const [name, setName] = useState('');
  const address = (alias: string): string =>
    `models/${encodeURIComponent(shown.model)}/aliases/${encodeURIComponent(alias)}?${new URLSearchParams({ path })}`;

  const change = async (alias: string, isThere: boolean): Promise<void> => {
    try {
      if (isThere) {
        const { notes } = await session.client.send<ModelAliased>('PUT', address(alias), { version: shown.version });
        notes.forEach(note => Notification.info(note, { autoClose: 5000 }));
        setAdding(false);
        setName('');
      } else {
        await session.client.send('DELETE', address(alias));
      }
      onChanged();
    } catch (error) {
      tell(error, trans);
    }
  };
  return (
    <span className="jp-mlops-Aliases">
      {shown.aliases.map(alias => (
        <span key={alias} className={`jp-mlops-Chip${isLive(alias) ? ' jp-mod-live' : ''}`}>
          {alias}
          <button
            title={trans.__('Take the alias %1 away', alias)}
            aria-label={trans.__('Take the alias %1 away', alias)}
            onClick={() => void change(alias, false)}
          >
            <closeIcon.react tag="span" width="12px" height="12px" />
          </button>
        </span>
      ))}
      {isAdding ? (
        <form
          onSubmit={event => {
            event.preventDefault();
            void change(name.trim(), true);
          }}
        >
          <input
            className="jp-mlops-Input"
            autoFocus
            required
            size={10}
            aria-label={trans.__('Alias for version %1', shown.version)}
            placeholder="champion"
            value={name}
            onChange={event => setName(event.target.value)}
            onKeyDown={event => event.key === 'Escape' && setAdding(false)}
          />
          <button className="jp-mlops-Button">{trans.__('Set')}</button>
        </form>
      ) : (
        <button
          className="jp-mlops-IconButton"
          title={trans.__('Add an alias, or move one here')}
          aria-label={trans.__('Add an alias, or move one here')}
          onClick={() => setAdding(true)}
        >
          <addIcon.react tag="span" width="14px" height="14px" />
        </button>
      )}
    </span>
  );
}

/** Whether an alias says that a version is in use. */
function isLive(alias: string): boolean {
  return ['champion', 'production', 'prod'].includes(alias);
}
