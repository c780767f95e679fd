import { answerQuestions } from "../child.ts";
import type { ClientAsk, ClientReply } from "./client-ask.ts";
import { ClientProcess } from "./client-process.ts";

const client = new ClientProcess();
answerQuestions<ClientAsk, ClientReply>((ask) => client.answer(ask));
