import { FormComponent } from '@jupyterlab/ui-components';
import type { RJSFSchema, UiSchema } from '@rjsf/utils';
import { customizeValidator } from '@rjsf/validator-ajv8';
import { useEffect, useMemo, useState, type ComponentType, type ReactNode } from 'react';
import type { Parameter } from '../../../api/types';
import { Section, tell } from '../../../common/parts';
import { useServices } from '../../../common/services';
import { FORMATS, formData, remarkOf, schemaOf, stillChosen, uiSchemaOf, valuesOf, type FormData } from './schema';
import { saveToNotebook } from './saving';

const validator = customizeValidator({ customFormats: { ...FORMATS } });

/** JupyterLab's form; its own types don't fit `exactOptionalPropertyTypes`. */
const Form = FormComponent as unknown as ComponentType<{
  readonly schema: RJSFSchema;
  readonly uiSchema: UiSchema;
  readonly formData: FormData;
  readonly formContext: IContext;
  readonly templates: { readonly FieldTemplate: ComponentType<IFieldProps> };
  readonly validator: typeof validator;
  readonly onChange: (event: { readonly formData?: FormData; readonly errors: readonly unknown[] }) => void;
  readonly [name: string]: unknown;
}>;

interface IProps {
  readonly parameters: readonly Parameter[];
  /** Told whether all fields hold what they should. */
  readonly onValid: (valid: boolean) => void;
}

/** The parameters of the pipeline: what the next run gets. */
export function ParametersForm({ parameters, onValid }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const key = JSON.stringify([session.path, parameters]);
  const chosen = useMemo(() => stillChosen(parameters, session.parameters), [key, session.parameters]);
  const [data, setData] = useState<FormData>(() => formData(parameters, chosen));
  const [errors, setErrors] = useState(0);
  const [saving, setSaving] = useState(false);
  const schema = useMemo(() => schemaOf(parameters), [key]);
  const uiSchema = useMemo(() => uiSchemaOf(parameters), [key]);
  // what was typed stays as it was typed, as long as it means what is chosen
  useEffect(() => {
    setData(known =>
      JSON.stringify(valuesOf(parameters, known)) === JSON.stringify(chosen) && errors === 0
        ? { ...formData(parameters, chosen), ...pick(known, parameters, chosen) }
        : formData(parameters, chosen)
    );
  }, [key, JSON.stringify(chosen)]);
  useEffect(() => onValid(errors === 0), [errors]);

  const templates = useMemo(() => ({ FieldTemplate: Field }), []);
  const context = useMemo(() => ({ parameters, chosen, trans }), [key, JSON.stringify(chosen)]);
  const isChanged = Object.keys(chosen).length > 0;
  const onReset = (): void => {
    setData(formData(parameters, {}));
    setErrors(0);
    session.setParameters({});
  };
  const onSave = (): void => {
    setSaving(true);
    saveToNotebook(session, trans)
      .catch((error: unknown) => tell(error, trans))
      .finally(() => setSaving(false));
  };
  return (
    <Section
      title={trans.__('Parameters')}
      actions={
        <span className="jp-mlops-Links">
          <button type="button" className="jp-mlops-Link" disabled={!isChanged && errors === 0} onClick={onReset}>
            {trans.__('Reset')}
          </button>
          <button
            type="button"
            className="jp-mlops-Link"
            disabled={!isChanged || errors > 0 || saving}
            onClick={onSave}
            title={trans.__('Write these values into the parameters cell')}
          >
            {trans.__('Save to notebook')}
          </button>
        </span>
      }
    >
      <div className="jp-mlops-Form">
        <Form
          schema={schema}
          uiSchema={uiSchema}
          formData={data}
          formContext={context}
          templates={templates}
          validator={validator}
          idPrefix="jp-mlops-parameter"
          liveValidate
          noHtml5Validate
          showErrorList={false}
          tagName="div"
          compact
          onChange={({ formData: found, errors: wrong }) => {
            const typed = found ?? {};
            setData(typed);
            setErrors(wrong.length);
            if (wrong.length === 0) {
              session.setParameters(valuesOf(parameters, typed));
            }
          }}
        />
      </div>
    </Section>
  );
}

interface IContext {
  readonly parameters: readonly Parameter[];
  readonly chosen: Readonly<Record<string, unknown>>;
  readonly trans: ReturnType<typeof useServices>['trans'];
}

interface IFieldProps {
  readonly id: string;
  readonly label: string;
  readonly children: ReactNode;
  readonly rawErrors?: readonly string[];
  readonly schema: RJSFSchema;
  readonly formContext: IContext;
}

/** A parameter in one line: name, field, type; what is wrong below it. */
function Field(props: IFieldProps): JSX.Element {
  const { id, label, children, rawErrors, schema } = props;
  if (schema.type === 'object') {
    return <>{children}</>;
  }
  const { parameters, chosen, trans } = props.formContext;
  const parameter = parameters.find(one => one.name === label);
  const isChanged = label in chosen;
  return (
    <div className={`jp-mlops-Field${isChanged ? ' jp-mod-changed' : ''}${rawErrors?.length ? ' jp-mod-wrong' : ''}`}>
      <label className="jp-mlops-Field-name" htmlFor={id} title={label}>
        {label}
      </label>
      <div className="jp-mlops-Field-value">{children}</div>
      <div className="jp-mlops-Field-remark" title={parameter ? remarkOf(parameter, isChanged, trans) : undefined}>
        {parameter ? remarkOf(parameter, isChanged, trans) : null}
      </div>
      {rawErrors?.length && parameter ? (
        <div className="jp-mlops-Field-error" role="alert">
          {wrong(parameter, trans)}
        </div>
      ) : null}
    </div>
  );
}

function wrong(parameter: Parameter, trans: IContext['trans']): string {
  switch (parameter.type) {
    case 'int':
      return trans.__('A whole number, please.');
    case 'float':
      return trans.__('A number, please.');
    case 'list':
      return trans.__('A list, please, such as [1, 2] or ["a", "b"].');
    case 'dict':
      return trans.__('A dict, please, such as {"a": 1}.');
    default:
      return trans.__('This is not a value of the type %1.', parameter.type);
  }
}

/** What was typed in fields whose values are still the chosen ones. */
function pick(typed: FormData, parameters: readonly Parameter[], chosen: Readonly<Record<string, unknown>>): FormData {
  const names = new Set(parameters.map(one => one.name));
  return Object.fromEntries(Object.entries(typed).filter(([name]) => names.has(name) && name in chosen));
}
