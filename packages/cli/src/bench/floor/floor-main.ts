import { answerQuestions } from "../child.ts";
import { type FloorAsk, FloorNode, type FloorReply } from "./floor-node.ts";

const node = new FloorNode();
answerQuestions<FloorAsk, FloorReply>((ask) => node.answer(ask));
