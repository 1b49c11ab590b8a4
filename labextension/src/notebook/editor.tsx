import { ReactWidget } from '@jupyterlab/ui-components';
import { useEffect, useId, useReducer, useRef, useState } from 'react';
import type { NotebookBars } from './bars';
import { setAfter, setKind, setMetrics, setSettings, setStep, stepMembers } from './retag';
import { fieldProblem, toForm, withField, type Field } from './settings';
import { kindOf, place, stepNames } from './steps';
import { KINDS, nameProblem, readTags, type Kind } from './tags';
import { ownKeys } from './keys';
import { kindHelp, kindName } from './words';

/** The editor of a cell's place in the pipeline, between its bar and its input. */
export class CellEditor extends ReactWidget {
  constructor(
    private readonly bars: NotebookBars,
    private readonly ids: readonly string[]
  ) {
    super();
    this.addClass('jp-mlops-Editor');
    // keys pressed here are for the form, not for the notebook's commands
    this.node.addEventListener('focusin', event => ownKeys(event.target as HTMLElement));
    this.node.addEventListener('mousedown', event => event.stopPropagation());
  }

  protected override render(): JSX.Element {
    return <Editor bars={this.bars} ids={this.ids} />;
  }
}

interface IProps {
  readonly bars: NotebookBars;
  readonly ids: readonly string[];
}

function Editor({ bars, ids }: IProps): JSX.Element | null {
  const { trans } = bars;
  const [, again] = useReducer((count: number) => count + 1, 0);
  const [isNaming, setNaming] = useState(false);
  useEffect(() => {
    const slot = (): void => again();
    bars.changed.connect(slot);
    return () => void bars.changed.disconnect(slot);
  }, [bars]);
  const cells = bars.cells;
  const positions = ids.map(id => cells.findIndex(cell => cell.id === id)).filter(position => position >= 0);
  const at = positions[0];
  const names = useId();
  const kinds = useId();
  if (at === undefined) {
    return null;
  }
  const places = place(cells);
  const where = places[at]!;
  const kind = isNaming ? 'step' : (kindOf(where) ?? 'above');
  const others = stepNames(places).filter(name => name !== where.step);
  const choose = (chosen: Kind): void => {
    if (chosen === 'step') {
      setNaming(true);
      return;
    }
    setNaming(false);
    bars.apply(setKind(cells, positions, chosen));
  };
  const rename = (name: string): void => {
    setNaming(false);
    bars.apply(setStep(cells, positions, name));
  };
  const onKey = (event: React.KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.preventDefault();
      bars.closeEditor();
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
      event.preventDefault();
      void bars.panel.context.save();
    }
  };
  const isNamed = kind === 'step' || (where.step !== null && !where.isMetrics);
  const title =
    positions.length > 1
      ? trans._n('%1 cell', '%1 cells', positions.length)
      : where.step !== null
        ? trans.__('Step %1', where.step)
        : trans.__('Cell');
  return (
    <div role="group" aria-label={trans.__('Place in the pipeline')} onKeyDown={onKey}>
      <div className="jp-mlops-Editor-row">
        <strong className="jp-mlops-Editor-title">{title}</strong>
        <label>
          <span>{trans.__('Kind')}</span>
          <select
            autoFocus
            value={kind}
            aria-describedby={kinds}
            onChange={event => choose(event.target.value as Kind)}
          >
            {KINDS.map(one => (
              <option key={one} value={one}>
                {kindName(one, trans)}
              </option>
            ))}
          </select>
        </label>
        {isNamed ? (
          <TextField
            label={trans.__('Step name')}
            value={isNaming && !where.isTagged ? '' : (where.step ?? '')}
            list={names}
            focus={isNaming}
            problem={text => {
              const found = nameProblem(text);
              return found === 'empty'
                ? trans.__('A step needs a name.')
                : found === 'unprintable'
                  ? trans.__('The name contains a character that can’t be printed.')
                  : null;
            }}
            onCommit={rename}
          />
        ) : null}
        <datalist id={names}>
          {others.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        {where.step !== null && !where.isMetrics && positions.length === 1 ? (
          <label className="jp-mlops-Editor-check">
            <input
              type="checkbox"
              checked={readTags(cells[at]!.tags).metrics}
              onChange={event => bars.apply(setMetrics(cells, at, event.target.checked))}
            />
            <span>{trans.__('Its numbers are metrics')}</span>
          </label>
        ) : null}
        <button type="button" className="jp-mlops-CellLink jp-mlops-Editor-close" onClick={() => bars.closeEditor()}>
          {trans.__('Close')}
        </button>
      </div>
      <div className="jp-mlops-Editor-help" id={kinds}>
        {kindHelp(kind, trans)}
      </div>
      {where.step !== null && !isNaming ? <StepFields bars={bars} at={at} others={others} /> : null}
    </div>
  );
}

/** What holds for the whole step: what it waits for, and its settings. */
function StepFields({ bars, at, others }: IStepFieldsProps): JSX.Element {
  const { trans, cells } = bars;
  const members = stepMembers(cells, at);
  const first = members[0] ?? at;
  const after = [...new Set(members.flatMap(position => readTags(cells[position]!.tags).after))];
  const settings = cells[first]!.settings;
  const form = toForm(settings);
  const hasSettings = Object.values(form).some(value => value !== '');
  const set = (field: Field, value: string): void =>
    bars.apply(setSettings(cells, at, withField(settings, field, value)));
  const field = (name: Field, label: string, placeholder: string, hint: string): JSX.Element => (
    <TextField
      label={label}
      value={form[name]}
      placeholder={placeholder}
      problem={text => (fieldProblem(name, text) === null ? null : hint)}
      onCommit={value => set(name, value)}
    />
  );
  return (
    <>
      <div className="jp-mlops-Editor-row">
        <label>
          <span>{trans.__('Waits for')}</span>
          <select
            value=""
            onChange={event => bars.apply(setAfter(cells, at, [...after, event.target.value]))}
          >
            <option value="">{others.length > 0 ? trans.__('what its data need') : trans.__('no other step')}</option>
            {others
              .filter(name => !after.includes(name))
              .map(name => (
                <option key={name} value={name}>
                  {trans.__('also %1', name)}
                </option>
              ))}
          </select>
        </label>
        {after.map(name => (
          <button
            key={name}
            type="button"
            className="jp-mlops-CellChip"
            aria-label={trans.__('Do not wait for %1', name)}
            onClick={() => bars.apply(setAfter(cells, at, after.filter(one => one !== name)))}
          >
            {name} <span aria-hidden="true">×</span>
          </button>
        ))}
      </div>
      <details className="jp-mlops-Editor-settings" open={hasSettings || undefined}>
        <summary>
          {first === at ? trans.__('Settings of the step') : trans.__('Settings of the step, kept at its first cell')}
        </summary>
        <div className="jp-mlops-Editor-grid">
          {field('cpu', trans.__('CPU'), '2, 500m', trans.__('Write cores, for example 2, 0.5 or 500m.'))}
          {field('memory', trans.__('Memory'), '4Gi', trans.__('Write an amount, for example 4Gi or 512Mi.'))}
          {field(
            'device',
            trans.__('Accelerator'),
            'nvidia.com/gpu',
            trans.__('Write the resource name of the device, such as nvidia.com/gpu.')
          )}
          {form.device
            ? field('devices', trans.__('How many'), '1', trans.__('Write a whole number, 1 or more.'))
            : null}
          <label>
            <span>{trans.__('Cache')}</span>
            <select value={form.cache} onChange={event => set('cache', event.target.value)}>
              <option value="">{trans.__('as the notebook')}</option>
              <option value="on">{trans.__('on: reuse what has not changed')}</option>
              <option value="off">{trans.__('off: always run')}</option>
              <option value="volatile">{trans.__('volatile: the outside world decides')}</option>
            </select>
          </label>
          {field('retries', trans.__('Retries'), '0', trans.__('Write a whole number, 0 or more.'))}
          {field('image', trans.__('Image'), 'python:3.11-slim', '')}
          <TextField
            label={trans.__('Packages, one a line')}
            value={form.packages}
            placeholder="pandas>=2.1"
            isLong
            onCommit={value => set('packages', value)}
          />
        </div>
      </details>
    </>
  );
}

interface IStepFieldsProps {
  readonly bars: NotebookBars;
  readonly at: number;
  readonly others: readonly string[];
}

/** A text that counts when the field is left or Enter is pressed. */
function TextField({ label, value, list, placeholder, problem, onCommit, focus, isLong }: ITextProps): JSX.Element {
  const [text, setText] = useState(value);
  const [said, setSaid] = useState<string | null>(null);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const error = useId();
  useEffect(() => {
    setText(value);
    setSaid(null);
  }, [value]);
  useEffect(() => {
    if (focus) {
      field.current?.focus();
    }
  }, [focus]);
  const commit = (): void => {
    if (text === value) {
      setSaid(null);
      return;
    }
    const found = problem?.(text) ?? null;
    setSaid(found);
    if (found === null) {
      onCommit(text);
    }
  };
  const shared = {
    ref: field,
    value: text,
    placeholder,
    spellCheck: false,
    'aria-invalid': said !== null,
    'aria-describedby': said === null ? undefined : error,
    onBlur: commit
  };
  return (
    <label>
      <span>{label}</span>
      {isLong ? (
        <textarea {...shared} rows={2} onChange={event => setText(event.target.value)} />
      ) : (
        <input
          {...shared}
          type="text"
          list={list}
          onChange={event => setText(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter') {
              event.preventDefault();
              commit();
            }
          }}
        />
      )}
      {said === null ? null : (
        <span className="jp-mlops-Editor-error" id={error} role="alert">
          {said}
        </span>
      )}
    </label>
  );
}

interface ITextProps {
  readonly label: string;
  readonly value: string;
  readonly list?: string;
  readonly placeholder?: string;
  readonly problem?: (text: string) => string | null;
  readonly onCommit: (text: string) => void;
  readonly focus?: boolean;
  readonly isLong?: boolean;
}
