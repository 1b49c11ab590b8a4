import { LabIcon } from '@jupyterlab/ui-components';
import fit from '../../style/icons/fit.svg';
import minus from '../../style/icons/minus.svg';

export const fitIcon = new LabIcon({ name: 'jupyter-mlops:fit', svgstr: fit });
export const minusIcon = new LabIcon({ name: 'jupyter-mlops:minus', svgstr: minus });
