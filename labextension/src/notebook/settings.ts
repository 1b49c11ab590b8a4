import type { JSONObject, JSONValue } from '@lumino/coreutils';

/** The settings that the editor at a cell has fields for, as texts; the others in `metadata.mlops` stay as they are. */
export interface ISettingsForm {
  readonly image: string;
  readonly cpu: string;
  readonly memory: string;
  readonly device: string;
  readonly devices: string;
  readonly cache: '' | 'on' | 'off' | 'volatile';
  readonly retries: string;
  readonly packages: string;
}

export type Field = keyof ISettingsForm;

/** Read the settings into the fields of the form. */
export function toForm(settings: JSONObject | null): ISettingsForm {
  const found = settings ?? {};
  const accelerator = found['accelerator'];
  const device = isObject(accelerator) ? accelerator['type'] : accelerator;
  const cache = found['cache'];
  return {
    image: text(found['image']),
    cpu: text(found['cpu']),
    memory: text(found['memory']),
    device: text(device),
    devices: isObject(accelerator) ? text(accelerator['count']) : '',
    cache: cache === true || cache === 'on' ? 'on' : cache === false || cache === 'off' ? 'off' : cache === 'volatile' ? cache : '',
    retries: text(found['retries']),
    packages: Array.isArray(found['packages']) ? found['packages'].map(text).join('\n') : text(found['packages'])
  };
}

/** Write one field of the form into the settings; null where nothing is left. */
export function withField(settings: JSONObject | null, field: Field, value: string): JSONObject | null {
  const changed: Record<string, JSONValue> = { ...(settings) };
  const wanted = value.trim();
  switch (field) {
    case 'image':
    case 'cpu':
    case 'memory':
    case 'cache':
      put(changed, field, wanted || null);
      break;
    case 'retries':
      put(changed, field, wanted === '' ? null : /^\d+$/.test(wanted) ? Number(wanted) : wanted);
      break;
    case 'packages':
      put(changed, field, lines(value));
      break;
    case 'device':
      put(changed, 'accelerator', accelerator(wanted, toForm(settings).devices));
      break;
    case 'devices':
      put(changed, 'accelerator', accelerator(toForm(settings).device, wanted));
      break;
  }
  return Object.keys(changed).length > 0 ? changed : null;
}

/** What is wrong with the text of a field, by the rules of docs/notebook.md; null where it will do. */
export function fieldProblem(field: Field, value: string): 'cpu' | 'memory' | 'device' | 'count' | 'retries' | null {
  const wanted = value.trim();
  if (wanted === '') {
    return null;
  }
  switch (field) {
    case 'cpu':
      return /^(\d+(\.\d+)?|\.\d+|\d+m)$/.test(wanted) && parseFloat(wanted) > 0 ? null : 'cpu';
    case 'memory':
      return /^\d+(\.\d+)?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$/.test(wanted) && parseFloat(wanted) > 0 ? null : 'memory';
    case 'device':
      return /^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/.test(wanted) ? null : 'device';
    case 'devices':
      return /^[1-9]\d*$/.test(wanted) ? null : 'count';
    case 'retries':
      return /^\d+$/.test(wanted) ? null : 'retries';
    default:
      return null;
  }
}

/** The settings in a few words, for the bar; only what is set. */
export function inShort(settings: JSONObject | null): string[] {
  const form = toForm(settings);
  const found: string[] = [];
  if (form.cpu) {
    found.push(`${form.cpu} cpu`);
  }
  if (form.memory) {
    found.push(form.memory);
  }
  if (form.device) {
    found.push(`${form.devices || '1'} × ${form.device}`);
  }
  if (form.cache) {
    found.push(`cache ${form.cache}`);
  }
  if (form.retries && form.retries !== '0') {
    found.push(`retries ${form.retries}`);
  }
  if (form.image) {
    found.push(form.image);
  }
  return found;
}

function accelerator(device: string, devices: string): JSONObject | null {
  if (!device) {
    return null;
  }
  const count = /^[1-9]\d*$/.test(devices) ? Number(devices) : null;
  return count === null ? { type: device } : { type: device, count };
}

function lines(value: string): string[] | null {
  const found = value
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
  return found.length > 0 ? found : null;
}

function put(settings: Record<string, JSONValue>, name: string, value: JSONValue): void {
  if (value === null) {
    delete settings[name];
  } else {
    settings[name] = value;
  }
}

function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
