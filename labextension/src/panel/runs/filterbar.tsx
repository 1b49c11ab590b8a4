import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import { Problem } from '../../common/parts';
import { useServices } from '../../common/services';
import { filterProblem } from './query';

/** Milliseconds after the last key before the filter is tried. */
const PAUSE = 500;

interface IProps {
  readonly filter: string;
  readonly onFilter: (filter: string) => void;
  readonly error: Error | null;
  readonly notes: readonly string[];
  /** A metric or parameter that runs have, for an example. */
  readonly example: string;
  readonly onRetry: () => void;
}

/** The filter, with what is wrong with it where it is. */
export function FilterBar({ filter, onFilter, error, notes, example, onRetry }: IProps): JSX.Element {
  const { trans } = useServices();
  const [text, setText] = useState(filter);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<number>();
  useEffect(() => setText(filter), [filter]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const apply = (value: string): void => {
    window.clearTimeout(timer.current);
    if (value !== filter) {
      onFilter(value);
    }
  };
  const type = (value: string): void => {
    setText(value);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => onFilter(value), PAUSE);
  };
  const key = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter') {
      apply(text);
    } else if (event.key === 'Escape' && text) {
      event.preventDefault();
      setText('');
      apply('');
    }
  };
  const isWrong = filter !== '' && error instanceof ApiError && error.status === 400;
  const problem = isWrong ? filterProblem(error.message) : null;
  const point = (): void => {
    input.current?.focus();
    if (problem && problem.position !== null) {
      input.current?.setSelectionRange(problem.position, text.length);
    }
  };
  return (
    <>
      <input
        ref={input}
        className="jp-mlops-Runs-filter"
        type="search"
        value={text}
        spellCheck={false}
        placeholder={trans.__('Filter, such as %1', example)}
        aria-label={trans.__('Filter of runs')}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? 'jp-mlops-filter-problem' : undefined}
        onChange={event => type(event.target.value)}
        onKeyDown={key}
      />
      {problem ? (
        <div id="jp-mlops-filter-problem" className="jp-mlops-Problem jp-mlops-Runs-wide" role="alert">
          <div>{problem.message}</div>
          {problem.pointed ? <pre onClick={point}>{problem.pointed}</pre> : null}
          {error instanceof ApiError && error.problem.hint ? <div>{error.problem.hint}</div> : null}
        </div>
      ) : null}
      {error && !isWrong ? (
        <div className="jp-mlops-Runs-wide">
          <Problem error={error} onRetry={onRetry} trans={trans} />
        </div>
      ) : null}
      {!error && notes.length ? (
        <div className="jp-mlops-Runs-note jp-mlops-Runs-wide" role="status">
          {notes.map(note => (
            <div key={note}>{note}</div>
          ))}
        </div>
      ) : null}
    </>
  );
}
