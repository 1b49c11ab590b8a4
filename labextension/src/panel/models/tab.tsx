import { Empty } from '../../common/parts';

/** The tab "Models". */
export default function ModelsTab(): JSX.Element {
  return <Empty title="Models" />;
}
