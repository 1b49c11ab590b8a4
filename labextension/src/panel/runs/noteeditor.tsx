import { useEffect, useRef, useState } from 'react';
import type { Run } from '../../api/types';
import { useServices } from '../../common/services';

interface IProps {
  readonly run: Run;
  readonly onChange: (note: string | null) => Promise<boolean>;
}

/** A run's note, saved when the field is left or with Ctrl Enter; Escape takes back what was typed. */
export function NoteEditor({ run, onChange }: IProps): JSX.Element {
  const { trans } = useServices();
  const own = run.note ?? '';
  const [text, setText] = useState(own);
  const saved = useRef(own);
  useEffect(() => {
    // somebody else changed it; what is being typed here stays
    setText(before => (before === saved.current ? own : before));
    saved.current = own;
  }, [own]);
  const save = (): void => {
    if (text !== saved.current) {
      void onChange(text.trim() ? text : null);
    }
  };
  const key = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      save();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      setText(saved.current);
    }
  };
  return (
    <textarea
      className="jp-mlops-Note"
      value={text}
      rows={Math.min(6, Math.max(1, text.split('\n').length))}
      placeholder={trans.__('Add a note')}
      aria-label={trans.__('Note')}
      onChange={event => setText(event.target.value)}
      onKeyDown={key}
      onBlur={save}
    />
  );
}
