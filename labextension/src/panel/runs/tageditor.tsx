import { useState } from 'react';
import type { Run } from '../../api/types';
import { useServices } from '../../common/services';
import { parseTag } from './tags';

interface IProps {
  readonly run: Run;
  readonly onChange: (tags: Record<string, string | null>) => Promise<boolean>;
}

/** A run's tags: taken away one by one, added as `name=value`. */
export function TagEditor({ run, onChange }: IProps): JSX.Element {
  const { trans } = useServices();
  const [text, setText] = useState('');
  const [isBusy, setBusy] = useState(false);
  const change = async (tags: Record<string, string | null>): Promise<void> => {
    setBusy(true);
    if (await onChange(tags).finally(() => setBusy(false))) {
      setText('');
    }
  };
  const add = (): void => {
    const tag = parseTag(text);
    if (tag) {
      void change({ [tag[0]]: tag[1] });
    }
  };
  return (
    <div className="jp-mlops-Tags">
      {Object.entries(run.tags).map(([name, value]) => (
        <span key={name} className="jp-mlops-Tag" title={`${name}=${value}`}>
          <span>{value ? `${name}=${value}` : name}</span>
          <button
            disabled={isBusy}
            aria-label={trans.__('Take away the tag %1', name)}
            onClick={() => void change({ [name]: null })}
          >
            ✕
          </button>
        </span>
      ))}
      <input
        value={text}
        disabled={isBusy}
        placeholder={trans.__('Add a tag: name=value')}
        aria-label={trans.__('Add a tag')}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => (event.key === 'Enter' ? add() : event.key === 'Escape' ? setText('') : undefined)}
        onBlur={add}
      />
    </div>
  );
}
